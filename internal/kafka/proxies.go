package kafka

import (
	"maps"
	"net"
	"slices"
	"strings"
)

// proxyDialer dials a broker's proxy in place of the broker, and brokers without one directly.
type proxyDialer map[string]string

func (d proxyDialer) Dial(network, addr string) (net.Conn, error) {
	if proxy := d[addr]; proxy != "" {
		addr = proxy
	}
	return (&net.Dialer{Timeout: connectTimeout}).Dial(network, addr)
}

// formatProxies writes Config.Proxies as "broker=proxy,broker=proxy", which parseProxies reads.
func formatProxies(proxies map[string]string) string {
	var pairs []string
	for _, broker := range slices.Sorted(maps.Keys(proxies)) {
		pairs = append(pairs, broker+"="+proxies[broker])
	}
	return strings.Join(pairs, ",")
}

func parseProxies(s string) (map[string]string, error) {
	if s == "" {
		return nil, nil
	}
	proxies := map[string]string{}
	for _, pair := range strings.Split(s, ",") {
		broker, proxy, ok := strings.Cut(pair, "=")
		if !ok || broker == "" || proxy == "" {
			return nil, &ConfigError{Fault: BadProxies, Setting: EnvProxies, Value: s}
		}
		proxies[broker] = proxy
	}
	return proxies, nil
}
