package kafka_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"kafkahandson/internal/embedded"
	"kafkahandson/internal/embedded/embeddedtest"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/kafka/admin"
)

// authority is a certificate authority of its own.
type authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string // its certificate in PEM
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{dir: t.TempDir()}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.file, _ = a.issue(t, "ca", template)
	return a
}

// issue signs a certificate and returns the PEM files of it and of its key. The first is the authority's own.
func (a *authority) issue(t *testing.T, name string, template *x509.Certificate) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert == nil {
		if a.cert, err = x509.ParseCertificate(der); err != nil {
			t.Fatal(err)
		}
		a.key = key
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(a.dir, name+".pem"), filepath.Join(a.dir, name+"-key.pem")
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

// leaf issues a certificate for a server on 127.0.0.1 or for a client.
func (a *authority) leaf(t *testing.T, name string) (certFile, keyFile string) {
	t.Helper()
	return a.issue(t, name, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
}

// serverTLS is the configuration of a broker that this authority vouches for.
func (a *authority) serverTLS(t *testing.T) *tls.Config {
	t.Helper()
	cert, err := tls.LoadX509KeyPair(a.leaf(t, "server"))
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
}

// requireUse checks that a configuration can create a topic, produce and consume.
func requireUse(t *testing.T, cfg kafka.Config) {
	t.Helper()
	const topic = "secured"
	if err := admin.EnsureTopic(t.Context(), cfg, topic, 1); err != nil {
		t.Fatal(err)
	}
	admin := newAdmin(t, cfg)
	group := "group-of-" + cfg.SASL.Mechanism
	m := consume(t, cfg, saramaConfig(t, cfg), group, topic, markEach, kafka.GroupObserver{})
	before, err := admin.DescribeTopic(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	send(t, cfg, topic, 3)
	m.awaitRecords(t, int(before.Records())+3)
	if err := m.stop(); err != nil {
		t.Error(err)
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	ours, strangers := newAuthority(t), newAuthority(t)
	server := embeddedtest.Start(t, embedded.KafkaOptions{TLS: ours.serverTLS(t)})
	cfg := kafka.Config{Brokers: server.Brokers(), TLS: kafka.TLS{Enabled: true, CAFile: ours.file}}
	requireUse(t, cfg)

	cfg.TLS = kafka.TLS{Enabled: true, InsecureSkipVerify: true}
	if err := connect(t, cfg); err != nil {
		t.Error(err)
	}
	cfg.TLS = kafka.TLS{Enabled: true} // the system's authorities do not know ours
	requireProblem(t, connect(t, cfg), "certificate", "KAFKA_TLS_CA_FILE")
	cfg.TLS = kafka.TLS{Enabled: true, CAFile: strangers.file}
	requireProblem(t, connect(t, cfg), "certificate", "KAFKA_TLS_CA_FILE")
	cfg.TLS = kafka.TLS{}
	requireProblem(t, connect(t, cfg), "KAFKA_TLS_ENABLED")
}

func TestTLSOnAPlainPort(t *testing.T) {
	t.Parallel()
	requireProblem(t, connect(t, kafka.Config{Brokers: []string{httpPort(t)}, TLS: kafka.TLS{Enabled: true}}), "speaks TLS")
}

func TestClientCertificate(t *testing.T) {
	t.Parallel()
	ours, strangers := newAuthority(t), newAuthority(t)
	serverTLS := ours.serverTLS(t)
	serverTLS.ClientAuth, serverTLS.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
	serverTLS.ClientCAs.AddCert(ours.cert)
	server := embeddedtest.Start(t, embedded.KafkaOptions{TLS: serverTLS})

	cfg := kafka.Config{Brokers: server.Brokers(), TLS: kafka.TLS{Enabled: true, CAFile: ours.file}}
	requireProblem(t, connect(t, cfg), "KAFKA_TLS_CERT_FILE")
	cfg.TLS.CertFile, cfg.TLS.KeyFile = strangers.leaf(t, "client")
	requireProblem(t, connect(t, cfg), "KAFKA_TLS_CERT_FILE")
	cfg.TLS.CertFile, cfg.TLS.KeyFile = ours.leaf(t, "client")
	requireUse(t, cfg)
}

func TestSASL(t *testing.T) {
	t.Parallel()
	ours := newAuthority(t)
	mechanisms := []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}
	var users []embedded.User
	for _, m := range mechanisms {
		users = append(users, embedded.User{Mechanism: m, Name: "ann", Password: secret})
	}
	plain := embeddedtest.Start(t, embedded.KafkaOptions{Users: users})
	encrypted := embeddedtest.Start(t, embedded.KafkaOptions{Users: users, TLS: ours.serverTLS(t)})

	for _, mechanism := range mechanisms {
		t.Run(mechanism, func(t *testing.T) {
			t.Parallel()
			login := kafka.SASL{Mechanism: mechanism, Username: "ann", Password: secret}
			requireUse(t, kafka.Config{Brokers: encrypted.Brokers(), TLS: kafka.TLS{Enabled: true, CAFile: ours.file}, SASL: login})
			if err := connect(t, kafka.Config{Brokers: plain.Brokers(), SASL: login}); err != nil {
				t.Error(err)
			}
			for _, wrong := range []kafka.SASL{
				{Mechanism: mechanism, Username: "ann", Password: secret + "?"},
				{Mechanism: mechanism, Username: "bob", Password: secret},
			} {
				start := time.Now()
				err := connect(t, kafka.Config{Brokers: plain.Brokers(), SASL: wrong})
				if took := time.Since(start); took > soon {
					t.Errorf("it took %v", took)
				}
				requireProblem(t, err, "login", "KAFKA_SASL_MECHANISM", "KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD")
				requireNoSecret(t, err)
			}
		})
	}
	t.Run("no login", func(t *testing.T) {
		t.Parallel()
		requireProblem(t, connect(t, kafka.Config{Brokers: plain.Brokers()}), "KAFKA_SASL_MECHANISM")
	})
}
