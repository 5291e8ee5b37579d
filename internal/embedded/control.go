package embedded

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/problem"
)

// KafkaState describes a running embedded Kafka to other processes. It is the file kafka.json in its directory,
// readable by its user only.
type KafkaState struct {
	PID       int       `json:"pid"`
	Brokers   []string  `json:"brokers"`
	ClusterID string    `json:"clusterId"`
	Started   time.Time `json:"started"`
	// Control is the address of the HTTP server behind [Control], Token is its password.
	Control string `json:"control"`
	Token   string `json:"token"`
}

const (
	stateFile = "kafka.json"
	lockFile  = "lock" // held by the process that runs the Kafka
)

// RunningKafka returns the state of the embedded Kafka that runs on a data directory; ok is false if none does.
func RunningKafka(ctx context.Context, dir string) (state KafkaState, ok bool) {
	data, err := os.ReadFile(filepath.Join(dir, stateFile))
	if err != nil || json.Unmarshal(data, &state) != nil {
		return KafkaState{}, false
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if NewControl(state).identify(ctx) != nil { // what a killed process left behind
		return KafkaState{}, false
	}
	return state, true
}

// StopKafka ends the embedded Kafka that runs on a data directory, in whichever process, and waits until it has let go
// of the directory. It returns false if none was running. One that does not answer is a *[problem.Problem].
func StopKafka(ctx context.Context, dir string) (bool, error) {
	state, running := RunningKafka(ctx, dir)
	if running {
		patient, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		if err := NewControl(state).Shutdown(patient); err == nil {
			lock := flock.New(filepath.Join(dir, lockFile))
			if _, err := lock.TryLockContext(patient, 10*time.Millisecond); err == nil {
				return true, lock.Close()
			}
		}
		if ctx.Err() != nil {
			return true, ctx.Err()
		}
	}
	unlock, err := lockDir(dir)
	if err != nil {
		return running, err
	}
	return running, unlock()
}

// DeleteKafka deletes a data directory. It refuses while a Kafka runs on it, with a *[problem.Problem].
func DeleteKafka(dir string) error {
	unlock, err := lockDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(dir), unlock())
}

// lockDir locks the data directory of a Kafka that does not answer. If its process holds the lock, it lives.
func lockDir(dir string) (unlock func() error, err error) {
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) { // nobody has it
		return func() error { return nil }, nil
	}
	lock := flock.New(filepath.Join(dir, lockFile))
	free, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock the data directory of the embedded Kafka: %w", err)
	}
	if free {
		return lock.Close, nil
	}
	var state KafkaState
	if data, err := os.ReadFile(filepath.Join(dir, stateFile)); err != nil || json.Unmarshal(data, &state) != nil || state.PID == 0 {
		return nil, problem.Environment(nil, i18n.Text{EN: "an embedded Kafka is using %s, but does not answer", KO: "내장 Kafka가 %s을(를) 사용하고 있지만 응답하지 않습니다"}.With(dir),
			i18n.Text{EN: "it may be starting: try again", KO: "시작하는 중일 수 있으니 다시 시도하세요"})
	}
	return nil, problem.Environment(nil,
		i18n.Text{EN: "an embedded Kafka (pid %d) is using %s, but does not answer", KO: "내장 Kafka(pid %d)가 %s을(를) 사용하고 있지만 응답하지 않습니다"}.With(state.PID, dir),
		i18n.Text{EN: "if you have suspended it with Ctrl-Z, let it go on: fg in its terminal, or kill -CONT %d", KO: "Ctrl-Z로 멈춰 두었다면 그 터미널에서 fg로, 또는 kill -CONT %d로 다시 실행하세요"}.With(state.PID),
		i18n.Text{EN: "end it: kill -KILL %d", KO: "강제로 종료하세요: kill -KILL %d"}.With(state.PID))
}

// controlServer lets other processes inject faults. It serves JSON over HTTP on 127.0.0.1 to who knows the token.
type controlServer struct {
	server   *http.Server
	file     string
	shutdown chan struct{}
	wg       sync.WaitGroup
}

func startControl(k *Kafka, state *KafkaState, dir string) (*controlServer, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for control requests: %w", err)
	}
	state.Control, state.Token = ln.Addr().String(), rand.Text()

	s := &controlServer{file: filepath.Join(dir, stateFile), shutdown: make(chan struct{})}
	shutdown := sync.OnceFunc(func() { close(s.shutdown) })
	mux := http.NewServeMux()
	mux.HandleFunc("POST /shutdown", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
		_ = http.NewResponseController(w).Flush() // the answer goes out before Close cuts the connection
		shutdown()
	})
	mux.HandleFunc("POST /faults", func(w http.ResponseWriter, r *http.Request) {
		var fault Fault
		if err := json.NewDecoder(r.Body).Decode(&fault); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		id, err := k.faults.install(fault)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		reply(w, id)
	})
	mux.HandleFunc("GET /faults/{id}/hits", func(w http.ResponseWriter, r *http.Request) {
		if hits, ok := k.faults.hits(pathID(r)); ok {
			reply(w, hits)
			return
		}
		http.NotFound(w, r)
	})
	mux.HandleFunc("DELETE /faults/{id}", func(w http.ResponseWriter, r *http.Request) {
		k.faults.remove(pathID(r))
		w.WriteHeader(http.StatusNoContent)
	})
	broker := func(do func(int32) error) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if err := do(int32(pathID(r))); err != nil {
				http.Error(w, err.Error(), http.StatusConflict)
				return
			}
			w.WriteHeader(http.StatusNoContent)
		}
	}
	mux.HandleFunc("POST /brokers/{id}/stop", broker(k.StopBroker))
	mux.HandleFunc("POST /brokers/{id}/start", broker(k.StartBroker))

	token := []byte("Bearer " + state.Token)
	s.server = &http.Server{
		ReadHeaderTimeout: 5 * time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if challenge, ok := strings.CutPrefix(r.URL.Path, identityPath); ok && r.Method == http.MethodGet {
				_, _ = io.WriteString(w, identity(state.Token, challenge)) // the client sees a short answer
				return
			}
			if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), token) != 1 {
				http.Error(w, "wrong token", http.StatusForbidden)
				return
			}
			mux.ServeHTTP(w, r)
		}),
	}
	data, err := json.Marshal(state)
	if err == nil {
		err = writeFileAtomic(s.file, data)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("write %s: %w", s.file, err), ln.Close())
	}
	s.wg.Go(func() { _ = s.server.Serve(ln) }) // always http.ErrServerClosed, after close
	return s, nil
}

func (s *controlServer) close() error {
	err := s.server.Close()
	s.wg.Wait()
	return errors.Join(err, os.Remove(s.file))
}

func writeFileAtomic(name string, data []byte) error {
	tmp := name + ".tmp"
	if err := os.WriteFile(tmp, data, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, name)
}

func reply(w http.ResponseWriter, n int) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, strconv.Itoa(n)) // the client sees a short answer
}

func pathID(r *http.Request) int {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil {
		return -1 // no fault and no broker has it
	}
	return id
}

// Control makes things go wrong in an embedded Kafka, from this or another process.
type Control struct {
	state  KafkaState
	client *http.Client
}

// NewControl returns a Control of the Kafka with this state.
func NewControl(state KafkaState) *Control {
	// One short request now and then: a kept-alive connection would only be one more thing to close.
	return &Control{state: state, client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
}

// Inject installs a fault, until it is removed, used up, or the Kafka ends.
func (c *Control) Inject(ctx context.Context, f Fault) (*Injected, error) {
	body, err := json.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("inject fault %s: %w", f.Kind, err)
	}
	var id int
	if err := c.do(ctx, http.MethodPost, "/faults", body, &id); err != nil {
		return nil, fmt.Errorf("inject fault %s: %w", f.Kind, err)
	}
	return &Injected{control: c, path: "/faults/" + strconv.Itoa(id)}, nil
}

// Injected is an installed fault.
type Injected struct {
	control *Control
	path    string
}

// Hits is how many requests were faulted so far.
func (i *Injected) Hits(ctx context.Context) (int, error) {
	var hits int
	err := i.control.do(ctx, http.MethodGet, i.path+"/hits", nil, &hits)
	return hits, err
}

// Remove ends the fault. Removing it again is no error.
func (i *Injected) Remove(ctx context.Context) error {
	return i.control.do(ctx, http.MethodDelete, i.path, nil, nil)
}

// StopBroker is [Kafka.StopBroker].
func (c *Control) StopBroker(ctx context.Context, id int32) error {
	return c.do(ctx, http.MethodPost, fmt.Sprintf("/brokers/%d/stop", id), nil, nil)
}

// StartBroker is [Kafka.StartBroker].
func (c *Control) StartBroker(ctx context.Context, id int32) error {
	return c.do(ctx, http.MethodPost, fmt.Sprintf("/brokers/%d/start", id), nil, nil)
}

// Shutdown asks the process that runs the Kafka to end it.
func (c *Control) Shutdown(ctx context.Context) error {
	return c.do(ctx, http.MethodPost, "/shutdown", nil, nil)
}

const identityPath = "/identity/"

// identity is what only a server that has the token can answer to a challenge.
func identity(token, challenge string) string {
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write([]byte(challenge)) // never fails
	return hex.EncodeToString(mac.Sum(nil))
}

// identify returns nil if this Kafka answers at its address: after it was killed, another server may. The token stays
// here, for that server is not to know it.
func (c *Control) identify(ctx context.Context) error {
	challenge := rand.Text()
	req, err := c.request(ctx, http.MethodGet, identityPath+challenge, nil)
	if err != nil {
		return err
	}
	answer, err := c.send(req)
	if err == nil && string(answer) != identity(c.state.Token, challenge) {
		err = fmt.Errorf("%s is not the embedded Kafka's", c.state.Control)
	}
	return err
}

func (c *Control) do(ctx context.Context, method, path string, body []byte, answer *int) error {
	req, err := c.request(ctx, method, path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.state.Token)
	text, err := c.send(req)
	if err != nil || answer == nil {
		return err
	}
	return json.Unmarshal(text, answer)
}

func (c *Control) request(ctx context.Context, method, path string, body []byte) (*http.Request, error) {
	return http.NewRequestWithContext(ctx, method, "http://"+c.state.Control+path, bytes.NewReader(body))
}

func (c *Control) send(req *http.Request) (text []byte, err error) {
	resp, err := c.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("control of the embedded Kafka: %w", err)
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	if text, err = io.ReadAll(io.LimitReader(resp.Body, 4096)); err != nil {
		return nil, fmt.Errorf("control of the embedded Kafka: %w", err)
	}
	if resp.StatusCode >= 300 {
		return nil, fmt.Errorf("control of the embedded Kafka: %s: %s", resp.Status, bytes.TrimSpace(text))
	}
	return text, nil
}
