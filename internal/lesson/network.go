package lesson

import (
	"kafkahandson/internal/faultproxy"
	"kafkahandson/internal/problem"
)

// Proxy puts a proxy in front of each broker, for programs that are started [Command.Through] it. Close it after use.
func (r *Run) Proxy() *faultproxy.Proxy {
	cfg := r.kafka.Config
	if cfg.TLS.Enabled {
		r.Must(problem.Environment(nil,
			Text{EN: "this lesson cuts a connection at the right moment, and cannot tell which that is when the connection is encrypted", KO: "이 레슨은 정확한 순간에 연결을 끊어야 하는데, 연결이 암호화되어 있으면 그 순간을 알 수 없습니다"},
			Text{EN: "run it on a Kafka without TLS: --stack embedded", KO: "TLS가 없는 Kafka에서 실행하세요: --stack embedded"}))
	}
	brokers := cfg.Brokers
	for _, b := range r.admin.Brokers() { // what clients dial after the first answer
		brokers = append(brokers[:len(brokers):len(brokers)], b.Addr)
	}
	p, err := faultproxy.Start(brokers)
	r.Must(err)
	return p
}

// Through makes the program reach the brokers through a proxy. The program does not know.
func (c *Command) Through(p *faultproxy.Proxy) *Command {
	c.proxy = p
	return c
}
