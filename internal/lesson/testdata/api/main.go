// Command api writes a row for each POST /rows?name=…, and sends an event to one topic before it commits and a record to
// another one afterwards. A name that is taken rolls back, and its event is a phantom.
package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/IBM/sarama"
	"gorm.io/gorm"

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/lesson/testdata/shape"
	"kafkahandson/internal/program"
)

func main() { program.Main(run) }

func run(ctx context.Context, p *program.Program) error {
	changes := p.String("changes", "changes", i18n.Verbatim("topic"))
	audit := p.String("audit", "audit", i18n.Verbatim("topic"))
	config, err := p.Ready(ctx)
	if err != nil {
		return err
	}
	producer, err := kafka.NewSyncProducer(ctx, p.Kafka, config)
	if err != nil {
		return err
	}
	send := func(topic string, c shape.Change) error {
		value, err := c.Encode()
		if err != nil {
			return err
		}
		m := &sarama.ProducerMessage{Topic: topic, Value: sarama.ByteEncoder(value)}
		if _, _, err := producer.SendMessage(m); err != nil {
			return err
		}
		p.Produced(m, c)
		return nil
	}
	err = p.WithMySQL(ctx, []any{&shape.Row{}}, func(db *gorm.DB) error {
		post := func(w http.ResponseWriter, r *http.Request) {
			name := r.URL.Query().Get("name")
			c := shape.Change{Event: r.URL.Query().Get("event"), Name: name}
			err := db.WithContext(r.Context()).Transaction(func(tx *gorm.DB) error {
				row := &shape.Row{Name: name}
				err := tx.Create(row).Error
				c.Row = row.ID
				if sendErr := send(*changes, c); sendErr != nil { // the event goes out whatever becomes of the row
					return sendErr
				}
				return err
			})
			if err != nil {
				p.Observe(i18n.Verbatim("rolled back"), shape.RolledBack{Event: c.Event})
				http.Error(w, err.Error(), http.StatusConflict)
				return
			}
			if err := send(*audit, c); err != nil {
				http.Error(w, err.Error(), http.StatusServiceUnavailable)
			}
		}
		mux := http.NewServeMux()
		mux.HandleFunc("POST /rows", post)
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Second}
		ended := make(chan error, 1)
		go func() { ended <- server.Serve(listener) }()
		p.Observe(i18n.Verbatim("listening"), shape.Listening{Addr: listener.Addr().String()})
		<-ctx.Done()
		err = server.Shutdown(context.WithoutCancel(ctx))
		if serveErr := <-ended; !errors.Is(serveErr, http.ErrServerClosed) {
			err = errors.Join(err, serveErr)
		}
		return err
	})
	return errors.Join(err, producer.Close())
}
