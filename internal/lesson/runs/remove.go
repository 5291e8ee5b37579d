package runs

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/IBM/sarama"

	"kafkahandson/internal/kafka"
	"kafkahandson/internal/kafka/admin"
)

// Removed is what [Remove] removed.
type Removed struct{ Topics, Groups []string }

// Remove removes the topics and groups that finished runs of a lesson left on a cluster, "" for all lessons. A run that
// goes on is left alone.
func Remove(ctx context.Context, cfg kafka.Config, lesson string) (Removed, error) {
	cluster, err := admin.Connect(ctx, cfg)
	if err != nil {
		return Removed{}, err
	}
	removed, err := RemoveFrom(ctx, cluster, lesson)
	return removed, errors.Join(err, cluster.Close())
}

// RemoveFrom is Remove for who is connected to the cluster.
func RemoveFrom(ctx context.Context, cluster *admin.Client, lesson string) (removed Removed, err error) {
	// By its id and not by its addresses: another cluster may have them at another time.
	id, err := cluster.ClusterID(ctx)
	if err != nil {
		return Removed{}, err
	}
	over, err := finished()
	if err != nil {
		return Removed{}, err
	}
	for _, f := range over {
		if f.Cluster == id && (lesson == "" || f.Lesson == lesson) {
			removeErr := f.removeFrom(ctx, cluster, &removed)
			if removeErr == nil {
				f.Cluster, f.Topics, f.Groups = "", nil, nil
				removeErr = f.save()
			}
			err = errors.Join(err, removeErr)
		}
		err = errors.Join(err, f.Close())
	}
	return removed, err
}

func (f *Folder) removeFrom(ctx context.Context, cluster *admin.Client, removed *Removed) error {
	for _, topic := range f.Topics {
		switch err := cluster.DeleteTopic(ctx, topic); {
		case err == nil:
			removed.Topics = append(removed.Topics, topic)
		case !errors.Is(err, sarama.ErrUnknownTopicOrPartition):
			return fmt.Errorf("remove what an earlier run left: %w", err)
		}
	}
	existing, err := cluster.ListGroups(ctx)
	if err != nil {
		return err
	}
	for _, group := range f.Groups {
		if !slices.Contains(existing, group) {
			continue
		}
		if err := deleteGroup(ctx, cluster, group); err != nil {
			return fmt.Errorf("remove what an earlier run left: %w", err)
		}
		removed.Groups = append(removed.Groups, group)
	}
	return nil
}

// deleteGroup deletes a group whose programs have ended, although the broker may still count some as members: static
// ones, and those that were killed, until their session timeout.
func deleteGroup(ctx context.Context, cluster *admin.Client, group string) error {
	g, err := cluster.DescribeGroup(ctx, group)
	if err != nil {
		return err
	}
	for _, m := range g.Members {
		if err := cluster.RemoveMember(ctx, group, m.ID); err != nil {
			return err
		}
	}
	return cluster.DeleteGroup(ctx, group)
}

// DropDatabases drops the databases that finished runs left on a MySQL, each with drop. A run that ends drops its own.
func DropDatabases(server string, drop func(name string) error) error {
	over, err := finished()
	if err != nil {
		return err
	}
	for _, f := range over {
		if f.MySQL == server {
			err = errors.Join(err, f.DropDatabases(drop))
		}
		err = errors.Join(err, f.Close())
	}
	return err
}
