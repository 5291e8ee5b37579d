package main

import (
	"runtime/debug"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"
)

func (a *app) listCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: a.t("List the lessons", "레슨 목록을 봅니다"),
		Args:  a.noArgs,
		RunE: func(*cobra.Command, []string) error {
			var rows []table.Row
			for _, c := range chapters() {
				for _, l := range c.Lessons {
					prose, err := l.Prose()
					if err != nil {
						return err
					}
					var variants []string
					for _, v := range l.Variants {
						variants = append(variants, v.Name)
					}
					rows = append(rows, table.Row{l.Name, prose.Title.In(a.lang), strings.Join(variants, ", "), prose.Java})
				}
			}
			a.table(table.Row{a.t("lesson", "레슨"), a.t("title", "제목"), a.t("variants", "변형"), "Java"}, rows)
			return nil
		},
	}
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: a.t("Print the versions of what the course is built with", "강의를 이루는 구성 요소의 버전을 출력합니다"),
		Args:  a.noArgs,
		RunE: func(*cobra.Command, []string) error {
			info, ok := debug.ReadBuildInfo()
			if !ok {
				return nil
			}
			a.printf("kafkahandson %s, %s\n", info.Main.Version, info.GoVersion)
			for _, dep := range info.Deps {
				switch dep.Path {
				case "github.com/IBM/sarama", "github.com/twmb/franz-go/pkg/kfake", "gorm.io/gorm", "gorm.io/driver/mysql":
					a.printf("%s %s\n", dep.Path, dep.Version)
				}
			}
			return nil
		},
	}
}
