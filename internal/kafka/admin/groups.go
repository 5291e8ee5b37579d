package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/IBM/sarama"
	"github.com/cenkalti/backoff/v5"
)

// GroupDescription is a consumer group as its coordinator sees it.
type GroupDescription struct {
	ID       string
	State    string // Empty, PreparingRebalance, CompletingRebalance, Stable or Dead
	Protocol string // the assignment strategy in use
	Members  []Member
}

// Member is a member of a consumer group.
type Member struct {
	ID         string
	InstanceID string // group.instance.id of a static member (KIP-345), else ""
	ClientID   string
	Host       string
	Claims     map[string][]int32 // partitions by topic
}

func (m Member) String() string {
	return fmt.Sprintf("%s (client %s, host %s)", m.ID, m.ClientID, m.Host)
}

// ListGroups returns the names of all consumer groups, sorted.
func (a *Client) ListGroups(context.Context) ([]string, error) {
	groups, err := a.admin.ListConsumerGroups()
	if err != nil {
		return nil, fmt.Errorf("list groups: %w", err)
	}
	return slices.Sorted(maps.Keys(groups)), nil
}

// DescribeGroup returns the state and the members of a group. A group that nobody ever used is Dead, and no error.
func (a *Client) DescribeGroup(_ context.Context, group string) (GroupDescription, error) {
	groups, err := a.admin.DescribeConsumerGroups([]string{group})
	if err != nil {
		return GroupDescription{}, fmt.Errorf("describe group %s: %w", group, err)
	}
	if len(groups) != 1 {
		return GroupDescription{}, fmt.Errorf("describe group %s: %d answers", group, len(groups))
	}
	g := groups[0]
	if g.Err == sarama.ErrGroupIDNotFound { // newer request versions (KIP-1043) tell Dead this way
		return GroupDescription{ID: group, State: "Dead"}, nil
	}
	if g.Err != sarama.ErrNoError {
		return GroupDescription{}, fmt.Errorf("describe group %s: %w", group, g.Err)
	}
	d := GroupDescription{ID: group, State: g.State, Protocol: g.Protocol}
	for id, m := range g.Members {
		member := Member{ID: id, ClientID: m.ClientId, Host: m.ClientHost}
		if m.GroupInstanceId != nil {
			member.InstanceID = *m.GroupInstanceId
		}
		if len(m.MemberAssignment) > 0 { // empty while the group rebalances
			assignment, err := m.GetMemberAssignment()
			if err != nil {
				return GroupDescription{}, fmt.Errorf("assignment of %s in group %s: %w", id, group, err)
			}
			if assignment != nil {
				member.Claims = assignment.Topics
			}
		}
		d.Members = append(d.Members, member)
	}
	slices.SortFunc(d.Members, func(x, y Member) int { return cmp.Compare(x.ID, y.ID) })
	return d, nil
}

// atCoordinator asks the coordinator of a group, and asks again while there is none: it moves when a broker stops, and on
// a busy cluster it gives up a write that the followers have not confirmed in time.
func (a *Client) atCoordinator(ctx context.Context, group string, ask func(*sarama.Broker) error) error {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = 50*time.Millisecond, time.Second
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		coordinator, err := a.client.Coordinator(group)
		if err != nil {
			return struct{}{}, fmt.Errorf("find the coordinator of group %s: %w", group, err)
		}
		err = ask(coordinator)
		for _, moves := range []error{sarama.ErrConsumerCoordinatorNotAvailable, sarama.ErrNotCoordinatorForConsumer, sarama.ErrOffsetsLoadInProgress} {
			if errors.Is(err, moves) {
				return struct{}{}, errors.Join(err, a.client.RefreshCoordinator(group))
			}
		}
		if err != nil {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(pause), backoff.WithMaxElapsedTime(20*time.Second))
	return err
}

// DeleteGroup deletes a group and its committed offsets. While the group has members it refuses and names them.
func (a *Client) DeleteGroup(ctx context.Context, group string) error {
	if err := a.RequireInactive(ctx, group); err != nil {
		return err
	}
	err := a.admin.DeleteConsumerGroup(group)
	if errors.Is(err, sarama.ErrGroupIDNotFound) {
		return &GroupNotFoundError{Group: group, Err: err}
	}
	if err != nil {
		return fmt.Errorf("delete group %s: %w", group, err)
	}
	return nil
}

// RequireInactive returns a [*GroupActiveError] if a group has members, nil if it has none.
func (a *Client) RequireInactive(ctx context.Context, group string) error {
	d, err := a.DescribeGroup(ctx, group)
	if err != nil {
		return err
	}
	if len(d.Members) == 0 {
		return nil
	}
	return &GroupActiveError{Group: group, Members: d.Members}
}

// RemoveMember takes a member out of its group at once (what LeaveGroup does for the member itself, KIP-345's
// RemoveMembersFromConsumerGroup). Without it the coordinator misses a killed member only after its session timeout.
// A member or group that is already gone is no error.
func (a *Client) RemoveMember(ctx context.Context, group, memberID string) error {
	return a.atCoordinator(ctx, group, func(coordinator *sarama.Broker) error {
		resp, err := coordinator.LeaveGroup(&sarama.LeaveGroupRequest{
			Version: 3, GroupId: group, Members: []sarama.MemberIdentity{{MemberId: memberID}},
		})
		if err != nil {
			return fmt.Errorf("remove member %s of group %s: %w", memberID, group, err)
		}
		codes := []sarama.KError{resp.Err}
		for _, m := range resp.Members {
			codes = append(codes, m.Err)
		}
		for _, code := range codes {
			switch code {
			case sarama.ErrNoError, sarama.ErrUnknownMemberId, sarama.ErrGroupIDNotFound:
			default:
				return fmt.Errorf("remove member %s of group %s: %w", memberID, group, code)
			}
		}
		return nil
	})
}

// Coordinator returns the id of the broker that coordinates a group.
func (a *Client) Coordinator(group string) (int32, error) {
	b, err := a.client.Coordinator(group)
	if err != nil {
		return 0, fmt.Errorf("find the coordinator of group %s: %w", group, err)
	}
	return b.ID(), nil
}

// WaitForCoordinator returns once the group's coordinator answers. On a fresh cluster the first request creates
// __consumer_offsets, which takes some seconds.
func (a *Client) WaitForCoordinator(ctx context.Context, group string) error {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = 20*time.Millisecond, 500*time.Millisecond
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		if err := a.client.RefreshCoordinator(group); err != nil {
			return struct{}{}, fmt.Errorf("find the coordinator of group %s: %w", group, err)
		}
		_, err := a.DescribeGroup(ctx, group)
		return struct{}{}, err
	}, backoff.WithBackOff(pause), backoff.WithMaxElapsedTime(30*time.Second))
	return err
}
