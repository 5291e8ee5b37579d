package kafka_test

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/IBM/sarama"

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
)

const secret = "s3cret-passw0rd"

func getenv(env map[string]string) func(string) string {
	return func(name string) string { return env[name] }
}

// everything is a configuration with all there is but a client id.
func everything() kafka.Config {
	return kafka.Config{
		Brokers: []string{"a:9092", "b:9093"},
		Version: "3.9.0",
		TLS:     kafka.TLS{Enabled: true, CAFile: "ca.pem", CertFile: "cert.pem", KeyFile: "key.pem", InsecureSkipVerify: true},
		SASL:    kafka.SASL{Mechanism: "SCRAM-SHA-256", Username: "ann", Password: secret},
	}
}

func TestFromEnv(t *testing.T) {
	t.Parallel()
	got, err := kafka.FromEnv(getenv(map[string]string{
		"KAFKA_BROKERS": " a:9092, b:9093,, ", "KAFKA_CLIENT_ID": "me", "KAFKA_VERSION": "3.9.0",
		"KAFKA_TLS_ENABLED": "1", "KAFKA_TLS_CA_FILE": "ca.pem", "KAFKA_TLS_CERT_FILE": "cert.pem", "KAFKA_TLS_KEY_FILE": "key.pem",
		"KAFKA_TLS_INSECURE_SKIP_VERIFY": "true",
		"KAFKA_SASL_MECHANISM":           "scram-sha-256", "KAFKA_SASL_USERNAME": "ann", "KAFKA_SASL_PASSWORD": secret,
	}))
	want := everything()
	want.ClientID = "me"
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v (%v), want %+v", got, err, want)
	}
	if got, err := kafka.FromEnv(getenv(nil)); err != nil || !reflect.DeepEqual(got, kafka.Config{}) {
		t.Errorf("an empty environment is %+v (%v)", got, err)
	}
	for _, name := range []string{kafka.EnvTLS, kafka.EnvTLSSkipVerify} {
		_, err := kafka.FromEnv(getenv(map[string]string{name: "perhaps"}))
		requireProblem(t, err, name, "perhaps", "true or false")
	}
}

func TestEnvironIsReadBack(t *testing.T) {
	t.Parallel()
	for _, want := range []kafka.Config{everything(), {}, {Brokers: []string{"[::1]:9092"}}} {
		env := map[string]string{}
		for _, assignment := range want.Environ() {
			name, value, _ := strings.Cut(assignment, "=")
			env[name] = value
		}
		if got, err := kafka.FromEnv(getenv(env)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v (%v), want %+v", got, err, want)
		}
	}
}

func TestFlagsWinOverEnvironment(t *testing.T) {
	t.Parallel()
	flags := func(lang i18n.Lang) (*kafka.Config, *flag.FlagSet) {
		cfg := everything()
		fs := flag.NewFlagSet("test", flag.ContinueOnError)
		fs.SetOutput(io.Discard)
		cfg.RegisterFlags(fs, lang)
		return &cfg, fs
	}
	got, fs := flags(i18n.English)
	err := fs.Parse([]string{"-brokers", "c:1,d:2", "-client-id", "you", "-kafka-version", "3.0.0", "-tls=false", "-tls-ca", "", "-tls-cert", "",
		"-tls-key", "", "-tls-insecure-skip-verify=false", "-sasl-mechanism", "plain", "-sasl-username", "bob"})
	want := kafka.Config{Brokers: []string{"c:1", "d:2"}, ClientID: "you", Version: "3.0.0", SASL: kafka.SASL{Mechanism: "PLAIN", Username: "bob", Password: secret}}
	if err != nil || !reflect.DeepEqual(*got, want) {
		t.Errorf("got %+v (%v), want %+v", *got, err, want)
	}
	if got, fs = flags(i18n.English); fs.Parse(nil) != nil || !reflect.DeepEqual(*got, everything()) {
		t.Errorf("without flags it became %+v", *got)
	}

	usage := map[i18n.Lang]string{}
	for _, lang := range []i18n.Lang{i18n.English, i18n.Korean} {
		var help strings.Builder
		_, fs := flags(lang)
		fs.SetOutput(&help)
		fs.PrintDefaults()
		if usage[lang] = help.String(); strings.Contains(usage[lang], secret) || strings.Contains(usage[lang], "-sasl-password") {
			t.Errorf("-help says %s", usage[lang])
		}
	}
	if usage[i18n.English] == usage[i18n.Korean] {
		t.Error("the flags are described in one language only")
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	brokers := []string{"localhost:9092"}
	for name, test := range map[string]struct {
		cfg   kafka.Config
		names []string // what the problem must name; none: the configuration is good
	}{
		"only brokers":           {kafka.Config{Brokers: []string{"localhost:9092", "10.0.0.1:1", "[::1]:9092"}}, nil},
		"everything":             {everything(), nil},
		"plain":                  {kafka.Config{Brokers: brokers, SASL: kafka.SASL{Mechanism: "PLAIN", Username: "ann", Password: secret}}, nil},
		"scram 512":              {kafka.Config{Brokers: brokers, SASL: kafka.SASL{Mechanism: "SCRAM-SHA-512", Username: "ann", Password: secret}}, nil},
		"no brokers":             {kafka.Config{}, []string{"KAFKA_BROKERS"}},
		"a broker without port":  {kafka.Config{Brokers: []string{"localhost"}}, []string{`"localhost"`, "host:port"}},
		"a broker with no port":  {kafka.Config{Brokers: []string{"localhost:9092", "localhost:"}}, []string{`"localhost:"`}},
		"a URL":                  {kafka.Config{Brokers: []string{"kafka://localhost:9092"}}, []string{"kafka://localhost:9092"}},
		"a version":              {kafka.Config{Brokers: brokers, Version: "three"}, []string{"three", "3.9.0"}},
		"an unknown mechanism":   {kafka.Config{Brokers: brokers, SASL: kafka.SASL{Mechanism: "GSSAPI", Username: "ann", Password: secret}}, []string{"GSSAPI", "PLAIN"}},
		"a login without user":   {kafka.Config{Brokers: brokers, SASL: kafka.SASL{Mechanism: "PLAIN", Password: secret}}, []string{"KAFKA_SASL_USERNAME"}},
		"a login without secret": {kafka.Config{Brokers: brokers, SASL: kafka.SASL{Mechanism: "PLAIN", Username: "ann"}}, []string{"KAFKA_SASL_PASSWORD"}},
		"a user alone":           {kafka.Config{Brokers: brokers, SASL: kafka.SASL{Username: "ann", Password: secret}}, []string{"KAFKA_SASL_MECHANISM"}},
		"a certificate alone":    {kafka.Config{Brokers: brokers, TLS: kafka.TLS{Enabled: true, CertFile: "cert.pem"}}, []string{"KAFKA_TLS_KEY_FILE"}},
		"a key alone":            {kafka.Config{Brokers: brokers, TLS: kafka.TLS{Enabled: true, KeyFile: "key.pem"}}, []string{"KAFKA_TLS_CERT_FILE"}},
		"authorities, no TLS":    {kafka.Config{Brokers: brokers, TLS: kafka.TLS{CAFile: "ca.pem"}}, []string{"KAFKA_TLS_ENABLED"}},
		"skip verify, no TLS":    {kafka.Config{Brokers: brokers, TLS: kafka.TLS{InsecureSkipVerify: true}}, []string{"KAFKA_TLS_ENABLED"}},
	} {
		t.Run(name, func(t *testing.T) {
			err := test.cfg.Validate()
			if test.names == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			requireProblem(t, err, test.names...)
			requireNoSecret(t, err)
			if _, err := test.cfg.Sarama(); err == nil {
				t.Error("Sarama takes it")
			}
			if _, err := kafka.NewClient(t.Context(), test.cfg, sarama.NewConfig()); err == nil {
				t.Error("NewClient takes it")
			}
		})
	}
}

func requireNoSecret(t *testing.T, values ...any) {
	t.Helper()
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			if s := fmt.Sprintf(verb, v); strings.Contains(s, secret) {
				t.Errorf("%s shows the password: %s", verb, s)
			}
		}
	}
}

func TestConfigHidesPassword(t *testing.T) {
	t.Parallel()
	cfg := everything()
	requireNoSecret(t, cfg, &cfg, cfg.SASL, []kafka.Config{cfg})
	if s := fmt.Sprint(cfg); !strings.Contains(s, "ann") || !strings.Contains(s, "a:9092") {
		t.Errorf("%s tells too little", s)
	}
}

func TestSarama(t *testing.T) {
	t.Parallel()
	sc, err := kafka.Config{Brokers: []string{"a:9092"}}.Sarama()
	if err != nil {
		t.Fatal(err)
	}
	if err := sc.Validate(); err != nil {
		t.Error(err)
	}
	if sc.ClientID != "kafkahandson" || sc.Version != sarama.DefaultVersion || sc.Metadata.AllowAutoTopicCreation ||
		!sc.Producer.Idempotent || sc.Producer.RequiredAcks != sarama.WaitForAll || !sc.Consumer.Return.Errors {
		t.Errorf("got %+v", sc)
	}
	sc, err = kafka.Config{Brokers: []string{"a:9092"}, ClientID: "me", Version: "2.8.1"}.Sarama()
	if err != nil || sc.ClientID != "me" || sc.Version != sarama.V2_8_1_0 {
		t.Errorf("got client %s, version %v (%v)", sc.ClientID, sc.Version, err)
	}
}

func TestTLSFiles(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("no PEM"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tls := range []kafka.TLS{
		{Enabled: true, CAFile: "missing.pem"},
		{Enabled: true, CAFile: empty},
		{Enabled: true, CertFile: "missing.pem", KeyFile: empty},
		{Enabled: true, CertFile: empty, KeyFile: empty},
	} {
		_, err := kafka.Config{Brokers: []string{"a:9092"}, TLS: tls}.Sarama()
		file := tls.CAFile
		if file == "" {
			file = tls.CertFile
		}
		requireProblem(t, err, file, "PEM")
	}
}

func TestSplitBrokers(t *testing.T) {
	t.Parallel()
	if got := kafka.SplitBrokers(" a:1 ,b:2,,"); !slices.Equal(got, []string{"a:1", "b:2"}) {
		t.Errorf("got %q", got)
	}
	if got := kafka.SplitBrokers(" , "); got != nil {
		t.Errorf("got %q, want none", got)
	}
}
