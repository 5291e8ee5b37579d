// Package admin looks at and changes what is on a cluster: topics, groups, committed offsets, records.
package admin

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/IBM/sarama"

	"kafkahandson/internal/kafka"
)

// Client creates, describes and deletes topics and groups. It is safe for concurrent use.
type Client struct {
	client sarama.Client
	admin  sarama.ClusterAdmin
}

// Connect connects to the cluster. Errors are those of [kafka.NewClient]. Close it after use.
func Connect(ctx context.Context, cfg kafka.Config) (*Client, error) {
	sc, err := cfg.Sarama()
	if err != nil {
		return nil, err
	}
	sc.Admin.Timeout = 15 * time.Second // three brokers on a busy laptop take their time over a first topic
	client, err := kafka.NewClient(ctx, cfg, sc)
	if err != nil {
		return nil, err
	}
	admin, err := sarama.NewClusterAdminFromClient(client)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("create an admin client: %w", err), client.Close())
	}
	return &Client{client: client, admin: admin}, nil
}

// Close disconnects.
func (a *Client) Close() error { return a.admin.Close() } // closes the client too

// Broker is a broker and the address that it advertises to clients.
type Broker struct {
	ID   int32
	Addr string
}

// Brokers returns the brokers of the cluster, by id.
func (a *Client) Brokers() []Broker {
	var brokers []Broker
	for _, b := range a.client.Brokers() {
		brokers = append(brokers, Broker{b.ID(), b.Addr()})
	}
	slices.SortFunc(brokers, func(x, y Broker) int { return int(x.ID - y.ID) })
	return brokers
}

// ClusterID returns the id that the cluster has given itself, whatever the addresses it is reached at. It is "" on Kafka
// before 0.10.1. [kafka.ClusterID] asks an address that needs neither TLS nor a login.
func (a *Client) ClusterID(ctx context.Context) (string, error) {
	var down []error
	for _, b := range a.client.Brokers() {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		resp, err := a.metadata(b, nil)
		if err != nil {
			down = append(down, fmt.Errorf("ask broker %d for its cluster: %w", b.ID(), err))
			continue
		}
		if resp.ClusterID == nil {
			return "", nil
		}
		return *resp.ClusterID, nil
	}
	return "", errors.Join(down...)
}

// APIVersion returns the newest version of a request of Kafka's protocol that all brokers know, by the request's key
// (KIP-35); -1 if one of them does not know the request.
func (a *Client) APIVersion(ctx context.Context, key int16) (int16, error) {
	newest := int16(math.MaxInt16)
	for _, b := range a.client.Brokers() {
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		if err := b.Open(a.client.Config()); err != nil && !errors.Is(err, sarama.ErrAlreadyConnected) {
			return 0, err
		}
		answer, err := b.ApiVersions(&sarama.ApiVersionsRequest{})
		if err != nil {
			return 0, fmt.Errorf("ask broker %d what it knows: %w", b.ID(), err)
		}
		known := int16(-1)
		for _, api := range answer.ApiKeys {
			if api.ApiKey == key {
				known = api.MaxVersion
			}
		}
		newest = min(newest, known)
	}
	return newest, nil
}

// metadata asks one broker about the cluster and these topics; about all if there are none, as sarama has it.
func (a *Client) metadata(b *sarama.Broker, topics []string) (*sarama.MetadataResponse, error) {
	if err := b.Open(a.client.Config()); err != nil && !errors.Is(err, sarama.ErrAlreadyConnected) {
		return nil, err
	}
	return b.GetMetadata(sarama.NewMetadataRequest(a.client.Config().Version, topics))
}
