package main

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
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kafkahandson/internal/embedded"
	"kafkahandson/internal/problem"
)

// The example of the README, "Your own cluster": TLS and SCRAM, by environment variables alone.
func TestTLSAndLoginFromTheEnvironment(t *testing.T) {
	t.Parallel()
	const user, password = "ann", "correct horse"
	certificate, caFile := selfSigned(t)
	server, err := embedded.StartKafka(embedded.KafkaOptions{
		Dir:   t.TempDir(),
		TLS:   &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12},
		Users: []embedded.User{{Mechanism: "SCRAM-SHA-512", Name: user, Password: password}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	}()
	home := t.TempDir()
	readme := []string{
		"KAFKA_BROKERS=" + strings.Join(server.Brokers(), ","),
		"KAFKA_TLS_ENABLED=true",
		"KAFKA_TLS_CA_FILE=" + caFile,
		"KAFKA_SASL_MECHANISM=SCRAM-SHA-512",
		"KAFKA_SASL_USERNAME=" + user,
		"KAFKA_SASL_PASSWORD=" + password,
	}
	lab := func(args ...string) *exec.Cmd {
		cmd := exec.Command("lab", args...)
		cmd.Dir = "../.."
		cmd.Env = append(append(os.Environ(), "KAFKAHANDSON_HOME="+home, "KAFKAHANDSON_STACK="), readme...)
		return cmd
	}
	for _, test := range []struct {
		name string
		cmd  *exec.Cmd
		with []string // variables in place of the README's
		exit int
		says string
	}{
		{"status", lab("status"), nil, problem.ExitOK, "as KAFKA_BROKERS or -brokers says"},
		{"lesson", lab("run", "ch3-manual-commit", "--variant", "per-record", "--yes"), nil, problem.ExitOK, "\nPASS\n"},
		{"wrong password", lab("status"), []string{"KAFKA_SASL_PASSWORD=wrong"}, problem.ExitEnvironment, "check KAFKA_SASL_MECHANISM"},
		{"unknown authority", lab("status"), []string{"KAFKA_TLS_CA_FILE="}, problem.ExitEnvironment, "certificate"},
		{"no TLS", lab("status"), []string{"KAFKA_TLS_ENABLED=false"}, problem.ExitUsage, "set KAFKA_TLS_ENABLED=true"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.cmd.Env = append(test.cmd.Env, test.with...)
			out, _ := test.cmd.CombinedOutput() // the exit code tells
			if got := test.cmd.ProcessState.ExitCode(); got != test.exit || !strings.Contains(string(out), test.says) {
				t.Errorf("exit code %d, want %d and %q:\n%s", got, test.exit, test.says, out)
			}
			if strings.Contains(string(out), password) {
				t.Errorf("the password is told:\n%s", out)
			}
		})
	}
}

// selfSigned is a certificate for 127.0.0.1 that is its own authority, and the PEM file to trust it with.
func selfSigned(t *testing.T) (_ tls.Certificate, caFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:        true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	caFile = filepath.Join(t.TempDir(), "kafka-ca.pem")
	if err := os.WriteFile(caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, caFile
}
