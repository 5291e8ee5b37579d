package main

import (
	"context"

	"github.com/spf13/cobra"

	"kafkahandson/internal/console"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/kafka/admin"
)

// administer is the RunE of a tool for topics or groups.
func (a *app) administer(tool interface {
	Validate() error
	Run(ctx context.Context, cluster *admin.Client, s console.Streams) error
}) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		if err := tool.Validate(); err != nil {
			return seeHelp(cmd, err)
		}
		found, err := a.findKafka(cmd.Context())
		if err != nil {
			return err
		}
		cluster, err := admin.Connect(cmd.Context(), found.Config)
		if err != nil {
			return err
		}
		defer func() { _ = cluster.Close() }() // what it was asked has been answered
		return tool.Run(cmd.Context(), cluster, a.streams())
	}
}

// exchange is the RunE of a tool that sends or reads records.
func (a *app) exchange(tool interface {
	Validate() error
	Run(ctx context.Context, cfg kafka.Config, s console.Streams) error
}) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		if err := tool.Validate(); err != nil {
			return seeHelp(cmd, err)
		}
		found, err := a.findKafka(cmd.Context())
		if err != nil {
			return err
		}
		return tool.Run(cmd.Context(), found.Config, a.streams())
	}
}

func (a *app) streams() console.Streams {
	return console.Streams{In: a.stdin, Out: a.stdout, Err: a.stderr, Lang: a.lang}
}
