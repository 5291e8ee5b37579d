package doctor

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"kafkahandson/internal/compose"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/kafka/admin"
	"kafkahandson/internal/mysql"
	"kafkahandson/internal/mysqld"
)

// Kafka checks a cluster as a client sees it: each address that cfg names and each that a broker advertises, a group
// coordinator, Kafka's internal topics. brokers is how many the cluster should have, 0 if nobody knows.
func Kafka(ctx context.Context, cfg kafka.Config, brokers int) []Finding {
	cure := i18n.Text{EN: "see what the brokers say; the compose stack's: docker compose logs kafka1 kafka2 kafka3", KO: "브로커의 로그를 확인하세요. compose 스택이라면: docker compose logs kafka1 kafka2 kafka3"}
	admin, err := admin.Connect(ctx, cfg)
	if err != nil {
		return []Finding{Failed("kafka", Bad, err, cure)}
	}
	defer func() { _ = admin.Close() }() // it only looked
	advertised := admin.Brokers()
	findings := []Finding{good("kafka", i18n.Verbatim(strings.Join(cfg.Brokers, ",")))}
	findings = append(findings, eachBroker(ctx, cfg, advertised)...)
	if len(advertised) < brokers {
		findings = append(findings, Finding{What: "brokers", Level: Bad, Detail: i18n.Text{EN: "%d of %d are in the cluster", KO: "클러스터에 브로커가 %d개뿐입니다 (%d개여야 합니다)"}.With(len(advertised), brokers),
			Solve: []i18n.Text{{EN: "start all of them: make up", KO: "모두 시작하세요: make up"}}})
	}
	if err := admin.WaitForCoordinator(ctx, "kafkahandson-doctor"); err != nil {
		findings = append(findings, Failed("group coordinator", Bad, err, cure))
	} else {
		findings = append(findings, good("group coordinator", i18n.Text{EN: "available", KO: "사용 가능"}))
	}
	topics, err := admin.ListTopics(ctx)
	if err != nil {
		return append(findings, Failed("topics", Bad, err, cure))
	}
	internal := slices.DeleteFunc(slices.Clone(topics), func(t string) bool { return !strings.HasPrefix(t, "__") })
	detail := i18n.Text{EN: "%d, internal: %s", KO: "%d개, 내부 토픽: %s"}.With(len(topics), strings.Join(append(internal, ""), " "))
	return append(findings, good("topics", detail))
}

// eachBroker asks every broker under the address that it advertises, and at every other address that cfg names: a
// broker that is down is not on the cluster's own list.
func eachBroker(ctx context.Context, cfg kafka.Config, advertised []admin.Broker) []Finding {
	names := map[string]string{} // by address
	addrs := slices.Clone(cfg.Brokers)
	for _, b := range advertised {
		names[b.Addr] = fmt.Sprintf("broker %d", b.ID)
		addrs = append(addrs, b.Addr)
	}
	slices.Sort(addrs)
	addrs = slices.Compact(addrs)
	findings := make([]Finding, len(addrs))
	var wg sync.WaitGroup
	for i, addr := range addrs {
		wg.Go(func() { findings[i] = broker(ctx, cfg, cmp.Or(names[addr], addr), addr) })
	}
	wg.Wait()
	return findings
}

func broker(ctx context.Context, cfg kafka.Config, what, addr string) Finding {
	start := time.Now()
	if err := ask(ctx, cfg, addr); err != nil {
		return Finding{What: what, Level: Bad, Detail: detail(err), Solve: []i18n.Text{
			{EN: "start the broker; the compose stack's: make up", KO: "브로커를 시작하세요. compose 스택이라면: make up"},
			{EN: "set its advertised.listeners, or KAFKA_BROKERS, to an address that this computer can dial", KO: "advertised.listeners나 KAFKA_BROKERS를 이 컴퓨터가 연결할 수 있는 주소로 설정하세요"}}}
	}
	return good(what, i18n.Text{EN: "%s answers (%s)", KO: "%s 응답 (%s)"}.With(addr, time.Since(start).Round(100*time.Microsecond)))
}

// ask asks one broker something that only Kafka can answer: a Docker that publishes a port accepts connections for a
// broker that is dead.
func ask(ctx context.Context, cfg kafka.Config, addr string) error {
	cfg.Brokers = []string{addr}
	sc, err := cfg.Sarama()
	if err != nil {
		return err
	}
	client, err := kafka.NewClient(ctx, cfg, sc)
	if err != nil {
		return err
	}
	return client.Close()
}

// NoKafka is the finding that no Kafka runs, which is no illness: a lesson starts its own.
func NoKafka() Finding {
	return good("kafka", i18n.Text{EN: "none is running; a lesson starts an embedded one for itself", KO: "실행 중인 Kafka가 없습니다. 레슨은 필요한 내장 Kafka를 스스로 시작합니다"})
}

// MySQL checks the database: version, and the binlog that change data capture reads.
func MySQL(ctx context.Context, cfg mysql.Config) []Finding {
	cure := i18n.Text{EN: "see what the server says; the compose stack's: docker compose logs mysql", KO: "서버의 로그를 확인하세요. compose 스택이라면: docker compose logs mysql"}
	db, err := mysql.Open(ctx, cfg)
	if err != nil {
		return []Finding{Failed("mysql", Bad, err, cure)}
	}
	defer func() { _ = mysql.Close(db) }() // it only looked
	var version, format string
	var on bool
	row := db.WithContext(ctx).Raw("SELECT VERSION(), @@log_bin, @@binlog_format").Row()
	if err := row.Scan(&version, &on, &format); err != nil {
		return []Finding{Failed("mysql", Bad, err, cure)}
	}
	findings := []Finding{good("mysql", i18n.Verbatim(version+", "+cfg.String()))}
	if !on || format != "ROW" {
		return append(findings, Finding{What: "binlog", Level: Warning, Detail: i18n.Text{EN: "log_bin=%v, binlog_format=%s", KO: "log_bin=%v, binlog_format=%s"}.With(on, format),
			Solve: []i18n.Text{{EN: "start the server with --log-bin and --binlog-format=ROW: Debezium (ch4-connect) reads it", KO: "서버를 --log-bin과 --binlog-format=ROW로 시작하세요. Debezium(ch4-connect)이 binlog를 읽습니다"}}})
	}
	return append(findings, good("binlog", i18n.Verbatim(format)))
}

// PrivateMySQL tells whether the private server of a folder runs. It need not: a lesson that needs one starts it.
func PrivateMySQL(dir string) Finding {
	status, err := mysqld.StatusOf(dir)
	if err != nil {
		return Failed("mysql", Warning, err, i18n.Text{EN: "delete the private server's folder, it is made anew: %s", KO: "개인용 서버의 폴더를 지우세요. 다시 만들어집니다: %s"}.With(dir))
	}
	return good("mysql", status.Text())
}

// Page is what a service of the compose stack shows to a browser.
type Page struct {
	Name    string
	Service string // in docker-compose.yml
	Port    int
}

// Pages are the pages of the compose stack.
func Pages(ports compose.Ports) []Page {
	return []Page{
		{"CMAK", "cmak", ports.CMAK},
		{"Redpanda Console", "redpanda-console", ports.Console},
		{"kafka-ui", "kafka-ui", ports.UI},
		{"Kafka Connect", "connect", ports.Connect},
	}
}

// URL is the page's address.
func (p Page) URL() string { return "http://localhost:" + strconv.Itoa(p.Port) }

// Check asks for the page.
func (p Page) Check(ctx context.Context) Finding {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	cure := i18n.Text{EN: "see what it says: docker compose logs %s", KO: "로그를 확인하세요: docker compose logs %s"}.With(p.Service)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:"+strconv.Itoa(p.Port), nil)
	if err != nil {
		return Failed(p.Name, Bad, err, cure)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return Failed(p.Name, Bad, err, cure)
	}
	_ = resp.Body.Close() // only the status is of interest
	if resp.StatusCode >= http.StatusInternalServerError {
		return Finding{What: p.Name, Level: Bad, Detail: i18n.Verbatim(p.URL() + " " + resp.Status), Solve: []i18n.Text{cure}}
	}
	return good(p.Name, i18n.Verbatim(p.URL()))
}
