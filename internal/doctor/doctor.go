// Package doctor looks a computer and a stack over, and says how to cure what it finds.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shirou/gopsutil/v4/mem"

	"kafkahandson/internal/compose"
	"kafkahandson/internal/embedded"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/mysql"
	"kafkahandson/internal/problem"
)

// Level says how bad a finding is.
type Level int

const (
	Good Level = iota
	// Warning: something works less well, or only part of the course.
	Warning
	// Bad: what was looked at does not work.
	Bad
)

// Finding is the result of one check.
type Finding struct {
	What   string // what was looked at: a term that is the same in all languages
	Level  Level
	Detail i18n.Text
	// Solve lists cures; for Warning and Bad.
	Solve []i18n.Text
}

func good(what string, detail i18n.Text) Finding { return Finding{What: what, Detail: detail} }

// fromError is a finding about something that failed; a problem brings its own cure.
func fromError(what string, level Level, err error) Finding {
	f := Finding{What: what, Level: level, Detail: i18n.Verbatim(err.Error())}
	var p *problem.Problem
	if errors.As(err, &p) {
		f.Detail = p.What
		if p.Cause != nil {
			f.Detail = i18n.Text{EN: "%s (%v)", KO: "%s (%v)"}.With(p.What, p.Cause)
		}
		f.Solve = p.Solve
	}
	return f
}

// Machine checks what the course needs of the computer: Go, Docker, memory, free ports. Without Docker most lessons
// run, so its absence is a warning.
func Machine(ctx context.Context, ports compose.Ports) []Finding {
	findings := []Finding{goCommand(ctx), good("platform", i18n.Verbatim(runtime.GOOS+"/"+runtime.GOARCH)), memory(ctx)}
	if version, err := compose.EngineVersion(ctx); err != nil {
		return append(findings, fromError("docker", Warning, err))
	} else {
		findings = append(findings, good("docker", i18n.Verbatim(version)))
	}
	if version, err := compose.Version(ctx); err != nil {
		findings = append(findings, fromError("docker compose", Warning, err))
	} else {
		findings = append(findings, composeVersion(version))
	}
	return append(findings, portHolders(ctx, ports)...)
}

func goCommand(ctx context.Context) Finding {
	out, err := exec.CommandContext(ctx, "go", "env", "GOVERSION").Output()
	if err != nil {
		return Finding{What: "go", Level: Bad, Detail: i18n.Verbatim(err.Error()),
			Solve: []i18n.Text{{EN: "install Go (go.mod says which version) and put it on the PATH", KO: "Go를 설치하고(버전은 go.mod 참고) PATH에 추가하세요"}}}
	}
	return good("go", i18n.Verbatim(strings.TrimSpace(string(out))))
}

// stackMemory is what the whole compose stack may take, with room for the system: the course's 8 GB laptop.
const stackMemory = 7 << 30

func memory(ctx context.Context) Finding {
	m, err := mem.VirtualMemoryWithContext(ctx)
	if err != nil {
		return fromError("memory", Warning, err)
	}
	detail := i18n.Text{EN: "%.1f GiB, %.1f GiB of it free", KO: "%.1f GiB, 여유 %.1f GiB"}.With(float64(m.Total)/(1<<30), float64(m.Available)/(1<<30))
	if m.Total < stackMemory {
		return Finding{What: "memory", Level: Warning, Detail: detail, Solve: []i18n.Text{{
			EN: "the compose stack is made for 8 GB; without it: make up-embedded",
			KO: "compose 스택은 8GB 메모리를 기준으로 만들었습니다. 스택 없이는: make up-embedded"}}}
	}
	return good("memory", detail)
}

// composeVersion checks for 2.23.1, the first with inline configs.
func composeVersion(version string) Finding {
	var have [3]int
	_, err := fmt.Sscanf(strings.TrimPrefix(version, "v"), "%d.%d.%d", &have[0], &have[1], &have[2])
	if err == nil && slices.Compare(have[:], []int{2, 23, 1}) < 0 {
		return Finding{What: "docker compose", Level: Bad, Detail: i18n.Verbatim(version), Solve: []i18n.Text{{
			EN: "docker-compose.yml needs 2.23.1 or newer: update Docker Desktop or the Compose plugin",
			KO: "docker-compose.yml에는 2.23.1 이상이 필요합니다. Docker Desktop이나 Compose 플러그인을 업데이트하세요"}}}
	}
	return good("docker compose", i18n.Verbatim(version))
}

// portHolders tells of ports of the stack that something else than the stack listens on.
func portHolders(ctx context.Context, ports compose.Ports) []Finding {
	var findings []Finding
	all := append(slices.Clone(ports.Kafka), ports.ZooKeeper, ports.MySQL, ports.CMAK, ports.Console, ports.UI)
	for _, port := range all {
		ln, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			_ = ln.Close() // it is free
			continue
		}
		what := "port " + strconv.Itoa(port)
		holder := embedded.PortHolder(ctx, port)
		switch {
		case strings.HasPrefix(holder, "docker") || strings.HasPrefix(holder, "com.docker") || strings.HasPrefix(holder, "lab "):
			findings = append(findings, good(what, i18n.Text{EN: "in use by %s", KO: "%s이(가) 사용 중"}.With(holder)))
		default:
			if holder == "" {
				holder = "?"
			}
			findings = append(findings, Finding{What: what, Level: Warning, Detail: i18n.Text{EN: "taken by %s", KO: "다른 프로그램(%s)이 사용 중"}.With(holder),
				Solve: []i18n.Text{{EN: "end that process, or choose another port in .env", KO: "그 프로세스를 끝내거나 .env에서 다른 포트를 고르세요"}}})
		}
	}
	if len(findings) == 0 {
		findings = append(findings, good("ports", i18n.Text{EN: "all free", KO: "모두 비어 있습니다"}))
	}
	return findings
}

// Kafka checks a cluster as a client sees it: every broker under the address it advertises, a group coordinator,
// Kafka's internal topics.
func Kafka(ctx context.Context, cfg kafka.Config) []Finding {
	admin, err := kafka.NewAdmin(ctx, cfg)
	if err != nil {
		return []Finding{fromError("kafka", Bad, err)}
	}
	defer func() { _ = admin.Close() }() // it only looked
	var findings []Finding
	for _, b := range admin.Brokers() {
		what := fmt.Sprintf("broker %d", b.ID)
		start := time.Now()
		if err := dial(ctx, b.Addr); err != nil {
			findings = append(findings, Finding{What: what, Level: Bad, Detail: i18n.Text{EN: "advertises %s: %v", KO: "%s 주소를 알려 주지만 연결할 수 없습니다: %v"}.With(b.Addr, err),
				Solve: []i18n.Text{{EN: "start the broker, or set its advertised.listeners to an address that this computer can dial", KO: "브로커를 시작하거나, advertised.listeners를 이 컴퓨터가 연결할 수 있는 주소로 설정하세요"}}})
			continue
		}
		findings = append(findings, good(what, i18n.Text{EN: "%s answers (%s)", KO: "%s 응답 (%s)"}.With(b.Addr, time.Since(start).Round(100*time.Microsecond))))
	}
	if err := admin.WaitForCoordinator(ctx, "kafkahandson-doctor"); err != nil {
		findings = append(findings, fromError("group coordinator", Bad, err))
	} else {
		findings = append(findings, good("group coordinator", i18n.Text{EN: "available", KO: "사용 가능"}))
	}
	topics, err := admin.ListTopics(ctx)
	if err != nil {
		return append(findings, fromError("topics", Bad, err))
	}
	internal := slices.DeleteFunc(slices.Clone(topics), func(t string) bool { return !strings.HasPrefix(t, "__") })
	detail := i18n.Text{EN: "%d, internal: %s", KO: "%d개, 내부 토픽: %s"}.With(len(topics), strings.Join(append(internal, ""), " "))
	return append(findings, good("topics", detail))
}

func dial(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	return conn.Close()
}

// MySQL checks the database: version, and the binlog that change data capture reads.
func MySQL(ctx context.Context, cfg mysql.Config) []Finding {
	db, err := mysql.Open(ctx, cfg)
	if err != nil {
		return []Finding{fromError("mysql", Bad, err)}
	}
	defer func() { _ = mysql.Close(db) }() // it only looked
	var version, format string
	var on bool
	row := db.WithContext(ctx).Raw("SELECT VERSION(), @@log_bin, @@binlog_format").Row()
	if err := row.Scan(&version, &on, &format); err != nil {
		return []Finding{fromError("mysql", Bad, err)}
	}
	findings := []Finding{good("mysql", i18n.Verbatim(version+", "+cfg.String()))}
	if !on || format != "ROW" {
		return append(findings, Finding{What: "binlog", Level: Warning, Detail: i18n.Text{EN: "log_bin=%v, binlog_format=%s", KO: "log_bin=%v, binlog_format=%s"}.With(on, format),
			Solve: []i18n.Text{{EN: "start the server with --log-bin and --binlog-format=ROW: Debezium (ch4-connect) reads it", KO: "서버를 --log-bin과 --binlog-format=ROW로 시작하세요. Debezium(ch4-connect)이 binlog를 읽습니다"}}})
	}
	return append(findings, good("binlog", i18n.Verbatim(format)))
}

// NoKafka is the finding that no Kafka runs, which is no illness: a lesson starts its own.
func NoKafka() Finding {
	return good("kafka", i18n.Text{EN: "none is running; a lesson starts an embedded one for itself", KO: "실행 중인 Kafka가 없습니다. 레슨은 필요한 내장 Kafka를 스스로 시작합니다"})
}

// UI is a web page of the compose stack.
type UI struct {
	Name    string
	Service string // in docker-compose.yml
	Port    int
}

// UIs are the web pages of the compose stack.
func UIs(ports compose.Ports) []UI {
	return []UI{
		{"CMAK", "cmak", ports.CMAK},
		{"Redpanda Console", "redpanda-console", ports.Console},
		{"kafka-ui", "kafka-ui", ports.UI},
	}
}

// URL is the page's address.
func (u UI) URL() string { return "http://localhost:" + strconv.Itoa(u.Port) }

// Check asks the page.
func (u UI) Check(ctx context.Context) Finding {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	solve := []i18n.Text{i18n.Text{EN: "see what it says: docker compose logs", KO: "로그를 확인하세요: docker compose logs"}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:"+strconv.Itoa(u.Port), nil)
	if err != nil {
		return fromError(u.Name, Warning, err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return Finding{What: u.Name, Level: Warning, Detail: i18n.Verbatim(err.Error()), Solve: solve}
	}
	_ = resp.Body.Close() // only the status is of interest
	if resp.StatusCode >= http.StatusInternalServerError {
		return Finding{What: u.Name, Level: Warning, Detail: i18n.Verbatim(u.URL() + " " + resp.Status), Solve: solve}
	}
	return good(u.Name, i18n.Verbatim(u.URL()))
}
