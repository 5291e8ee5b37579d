package conformance

import (
	"testing"

	"kafkahandson/internal/kafka"
)

func TestFeatures(t *testing.T) {
	seen := map[Feature]bool{}
	for _, f := range features() {
		if seen[f.name] || len(f.tests) == 0 {
			t.Errorf("feature %q comes twice, or is not tested", f.name)
		}
		seen[f.name] = true
		names := map[string]bool{}
		for _, test := range f.tests {
			if names[test.name] {
				t.Errorf("%s: %q comes twice", f.name, test.name)
			}
			names[test.name] = true
		}
	}
}

// A backend says what it lacks, and why.
func TestLacks(t *testing.T) {
	drop := func(string) func() bool { return nil }
	lacking := func(f Feature, why string) map[Feature]string { return map[Feature]string{f: why} }
	for name, tc := range map[string]struct {
		backend Backend
		lacks   []Feature
		wrong   bool
	}{
		"nothing":                    {backend: Backend{DropAck: drop}},
		"transactions":               {backend: Backend{DropAck: drop, Lacks: lacking(Transactions, "too young")}, lacks: []Feature{Transactions}},
		"faults":                     {backend: Backend{Lacks: lacking(DroppedAcknowledgements, "not ours")}, lacks: []Feature{DroppedAcknowledgements}},
		"plain traffic":              {backend: Backend{DropAck: drop, Kafka: kafka.Config{TLS: kafka.TLS{Enabled: true}}}, lacks: []Feature{CutAcknowledgements}},
		"faults, and does not say":   {backend: Backend{}, wrong: true},
		"faults, and has them":       {backend: Backend{DropAck: drop, Lacks: lacking(DroppedAcknowledgements, "not ours")}, wrong: true},
		"something, without reason":  {backend: Backend{DropAck: drop, Lacks: lacking(Transactions, "")}, wrong: true},
		"something that nobody asks": {backend: Backend{DropAck: drop, Lacks: lacking("telepathy", "too young")}, wrong: true},
	} {
		t.Run(name, func(t *testing.T) {
			if err := tc.backend.check(); (err != nil) != tc.wrong {
				t.Fatalf("the check says %v", err)
			} else if tc.wrong {
				return
			}
			want := map[Feature]bool{}
			for _, f := range tc.lacks {
				want[f] = true
			}
			for _, f := range features() {
				if why, lacks := tc.backend.lacks(f.name); lacks != want[f.name] || lacks == (why == "") {
					t.Errorf("%s: lacking: %t (%q)", f.name, lacks, why)
				}
			}
		})
	}
}
