package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"kafkahandson/internal/embedded"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka/admin"
	"kafkahandson/internal/lesson/runs"
	"kafkahandson/internal/mysqld"
	"kafkahandson/internal/pidfile"
	"kafkahandson/internal/problem"
	"kafkahandson/internal/stack"
)

func (a *app) upCommand() *cobra.Command {
	var inProcess, detach bool
	cmd := &cobra.Command{
		Use:   "up [SERVICE…]",
		Short: a.t("Keep a stack up for several terminals: Docker Compose, or --embedded", "여러 터미널에서 쓸 스택을 띄워 둡니다: Docker Compose 또는 --embedded"),
		Long: a.t(`Starts the compose stack (three brokers, ZooKeeper, MySQL, CMAK, Redpanda Console, kafka-ui), waits until it is healthy,
and checks it as a client would. With --embedded it keeps a Kafka up that needs no Docker.`,
			`compose 스택(브로커 세 개, ZooKeeper, MySQL, CMAK, Redpanda Console, kafka-ui)을 시작하고, 준비될 때까지 기다린 뒤,
클라이언트 입장에서 확인합니다. --embedded를 쓰면 Docker가 필요 없는 Kafka를 띄워 둡니다.`),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case inProcess && len(args) > 0:
				return a.noArgs(cmd, args)
			case inProcess && detach:
				return a.upDetached(cmd.Context())
			case inProcess:
				return a.upForeground(cmd.Context())
			case detach:
				return a.usage(cmd, i18n.Text{EN: "--detach is for --embedded; the compose stack always runs in the background", KO: "--detach는 --embedded와 함께 씁니다. compose 스택은 항상 백그라운드에서 실행됩니다"})
			}
			return a.upCompose(cmd.Context(), args)
		},
	}
	cmd.Flags().BoolVar(&inProcess, "embedded", false, a.t("the embedded Kafka: no Docker", "내장 Kafka: Docker 없이"))
	cmd.Flags().BoolVarP(&detach, "detach", "d", false, a.t("with --embedded: in the background, until lab down --embedded", "--embedded와 함께: 백그라운드에서 실행하고, lab down --embedded로 내립니다"))
	return cmd
}

func (a *app) upForeground(ctx context.Context) (err error) {
	ctx, stop := a.stdout.untilLost(ctx)
	defer stop()
	dir, err := stack.KeptKafkaDir()
	if err != nil {
		return err
	}
	ports, err := stack.Ports()
	if err != nil {
		return err
	}
	k, err := embedded.StartKafka(embedded.KafkaOptions{Dir: dir, Ports: ports.Kafka})
	if used := new(embedded.InUseError); errors.As(err, &used) {
		if _, silent := stack.KeptKafka(ctx, dir); errors.As(silent, new(*stack.SilentError)) {
			err = silent // it says more
		}
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, k.Close()) }()
	a.printf("%s\n", i18n.Text{EN: "Kafka is up: %s", KO: "Kafka가 떴습니다: %s"}.With(strings.Join(k.Brokers(), ",")).In(a.lang))
	if note := stack.TakenPortNote(ctx, k.TakenPort); !note.IsZero() {
		a.printf("%s\n", note.In(a.lang))
	}
	if err := a.printHowToReach(ctx); err != nil {
		return err
	}
	a.printf("%s\n", a.t("Ctrl-C or `lab down --embedded` ends it; topics and offsets stay.", "Ctrl-C나 `lab down --embedded`로 끝내며, 토픽과 오프셋은 남아 있습니다."))
	<-ctx.Done() // lab down sends SIGTERM
	return nil
}

// printHowToReach tells whether programs find the embedded Kafka by themselves, or another one that comes first.
func (a *app) printHowToReach(ctx context.Context) error {
	found, err := stack.FindKafka(ctx, a.kafka, stack.Auto)
	if err != nil {
		return err
	}
	text := i18n.Text{EN: "Programs and lessons in other terminals find it by themselves.", KO: "다른 터미널의 프로그램과 레슨이 알아서 찾습니다."}
	if !found.Kept {
		text = i18n.Text{
			EN: "But programs and lessons find another one first: %s. Programs and lab's topic, group, produce and consume reach this one with --stack embedded.",
			KO: "그런데 프로그램과 레슨은 다른 Kafka를 먼저 찾습니다: %s. 프로그램과 lab의 topic, group, produce, consume에 --stack embedded를 붙이면 이 Kafka를 씁니다.",
		}.With(strings.Join(found.Config.Brokers, ","))
	}
	a.printf("%s\n", text.In(a.lang))
	return nil
}

// detachedStart is how long the background process may take to be ready.
const detachedStart = 10 * time.Second

// upDetached starts a background process, and waits until a Kafka is kept up: that one's, or that of whoever was faster.
func (a *app) upDetached(ctx context.Context) error {
	dir, err := stack.KeptKafkaDir()
	if err != nil {
		return err
	}
	state, err := stack.KeptKafka(ctx, dir)
	if err == nil {
		a.sayUpAlready(state)
		return nil
	}
	if !errors.Is(err, stack.ErrNotKept) {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the lab command itself: %w", err)
	}
	// lab.log belongs to the process whose Kafka is up, so it is not known yet who may write there.
	log, err := os.CreateTemp(dir, "lab-*.log")
	if err != nil {
		return fmt.Errorf("create the log of the background process: %w", err)
	}
	defer func() { _ = os.Remove(log.Name()) }() // unless it has become lab.log
	cmd := exec.Command(self, "up", "--embedded", "--lang", string(a.lang))
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // it outlives this terminal
	if err := errors.Join(cmd.Start(), log.Close()); err != nil {
		return fmt.Errorf("start the background process: %w", err)
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }() // waited for below, or left to run on with the process
	said := func() []byte {
		text, _ := os.ReadFile(log.Name()) // without it the exit code has to do
		return bytes.TrimSpace(text)
	}
	limited, cancel := context.WithTimeout(ctx, detachedStart)
	defer cancel()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	var ended bool
	var exit error // of the background process, once it has ended
	for {
		switch state, err = stack.KeptKafka(ctx, dir); {
		case err == nil && state.PID == cmd.Process.Pid:
			if err := os.Rename(log.Name(), filepath.Join(dir, "lab.log")); err != nil {
				return fmt.Errorf("keep the log of the background process: %w", err)
			}
			a.printf("%s\n", i18n.Text{EN: "Kafka is up in the background (pid %d): %s", KO: "Kafka가 백그라운드에서 떴습니다 (pid %d): %s"}.With(state.PID, strings.Join(state.Addresses, ",")).In(a.lang))
			return a.printHowToReach(ctx)
		case err == nil && ended:
			a.sayUpAlready(state)
			return nil
		case errors.Is(err, stack.ErrNotKept) && ended:
			return problem.Environment(exit, i18n.Text{EN: "the background process ended:\n%s", KO: "백그라운드 프로세스가 끝났습니다:\n%s"}.With(said()))
		}
		select {
		case <-look.C:
		case exit = <-exited:
			ended = true
		case <-limited.Done():
			if ended {
				return err // why another process's Kafka is not up
			}
			err := cmd.Process.Kill()
			<-exited
			return errors.Join(problem.Environment(limited.Err(), i18n.Text{EN: "the background process is not ready; it said:\n%s", KO: "백그라운드 프로세스가 준비되지 않았습니다. 남긴 메시지:\n%s"}.With(said())), err)
		}
	}
}

func (a *app) sayUpAlready(state pidfile.State) {
	a.printf("%s\n", i18n.Text{EN: "Kafka is up already: %s", KO: "Kafka가 이미 떠 있습니다: %s"}.With(strings.Join(state.Addresses, ",")).In(a.lang))
}

func (a *app) downCommand() *cobra.Command {
	var volumes, inProcess bool
	cmd := &cobra.Command{
		Use:   "down",
		Short: a.t("End what `lab up` keeps up: the embedded Kafka and the compose stack", "`lab up`으로 띄운 내장 Kafka와 compose 스택을 내립니다"),
		Args:  a.noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			wasEmbedded, err := a.downEmbedded(cmd.Context(), volumes)
			if err != nil {
				return err
			}
			wasCompose := false
			if !inProcess {
				wasCompose, err = a.downCompose(cmd.Context(), volumes)
			}
			if err == nil && !wasEmbedded && !wasCompose {
				a.printf("%s\n", a.t("Nothing was up.", "떠 있는 것이 없습니다."))
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&inProcess, "embedded", false, a.t("only the embedded Kafka", "내장 Kafka만"))
	cmd.Flags().BoolVar(&volumes, "volumes", false, a.t("delete the data too: topics, offsets, tables", "데이터(토픽, 오프셋, 테이블)도 삭제합니다"))
	return cmd
}

func (a *app) downEmbedded(ctx context.Context, volumes bool) (ran bool, err error) {
	dir, err := stack.KeptKafkaDir()
	if err != nil {
		return false, err
	}
	// The private MySQL ends with its last user; one whose users were killed ends here. It comes first: what must not be
	// deleted yet keeps the rest, too.
	if err := a.downMySQL(ctx, volumes); err != nil {
		return false, err
	}
	if ran, err = embedded.StopKafka(ctx, dir); err != nil {
		return ran, err
	}
	if ran {
		a.printf("%s\n", a.t("The embedded Kafka is down.", "내장 Kafka를 내렸습니다."))
	}
	if volumes {
		if err := embedded.DeleteKafka(ctx, dir); err != nil {
			return ran, err
		}
		a.printf("%s\n", a.t("Its topics, offsets and tables are deleted.", "내장 서버의 토픽, 오프셋, 테이블을 삭제했습니다."))
	}
	return ran, nil
}

// downMySQL ends a private MySQL that nobody uses.
func (a *app) downMySQL(ctx context.Context, volumes bool) error {
	dir, err := stack.PrivateMySQLDir()
	if err != nil {
		return err
	}
	if volumes {
		err = mysqld.Delete(ctx, dir)
	} else {
		err = mysqld.Stop(ctx, dir)
	}
	switch {
	case errors.Is(err, mysqld.ErrInUse) && volumes:
		return problem.Environment(err, i18n.Text{EN: "a lesson or program uses the private MySQL, so nothing was deleted", KO: "레슨이나 프로그램이 개인용 MySQL을 쓰고 있어 아무것도 삭제하지 않았습니다"},
			i18n.Text{EN: "end it in the other terminal, then repeat the command", KO: "다른 터미널에서 실행 중인 레슨이나 프로그램을 끝낸 뒤 다시 실행하세요"})
	case errors.Is(err, mysqld.ErrInUse):
		a.printf("%s\n", a.t("A lesson or program uses the private MySQL; it ends with its last user.", "레슨이나 프로그램이 개인용 MySQL을 쓰고 있습니다. 마지막 사용자가 끝나면 함께 종료됩니다."))
		return nil
	}
	return err
}

func (a *app) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: a.t("Tell which Kafka programs and lessons would use", "프로그램과 레슨이 어떤 Kafka를 쓰게 될지 알려 줍니다"),
		Args:  a.noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			found, err := stack.FindKafka(cmd.Context(), a.kafka, a.stack)
			if err != nil {
				return err
			}
			a.printf("%s\n", found.Announce().In(a.lang))
			admin, err := admin.Connect(cmd.Context(), found.Config)
			if err != nil {
				return err
			}
			defer func() { _ = admin.Close() }() // it only looked
			topics, err := admin.ListTopics(cmd.Context())
			if err != nil {
				return err
			}
			groups, err := admin.ListGroups(cmd.Context())
			if err != nil {
				return err
			}
			a.printf("%s\n", i18n.Text{EN: "%d topics, %d groups", KO: "토픽 %d개, 그룹 %d개"}.With(len(topics), len(groups)).In(a.lang))
			dir, err := stack.KeptKafkaDir()
			if err != nil {
				return err
			}
			state, err := stack.KeptKafka(cmd.Context(), dir)
			silent := new(stack.SilentError)
			switch {
			case err == nil:
				a.printf("%s\n", i18n.Text{EN: "lab up --embedded: pid %d, since %s, data in %s", KO: "lab up --embedded: pid %d, 시작 %s, 데이터 %s"}.
					With(state.PID, state.Started.Local().Format(time.DateTime), dir).In(a.lang))
			case errors.As(err, &silent):
				a.printf("%s\n", i18n.Text{EN: "%s: `lab down --embedded` ends it", KO: "%s. `lab down --embedded`로 끝낼 수 있습니다"}.With(silent.Text()).In(a.lang))
			case !errors.Is(err, stack.ErrNotKept):
				return err
			}
			return nil
		},
	}
}

func (a *app) resetCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "reset [LESSON]",
		Short: a.t("Remove the topics and groups that lessons left on the cluster", "레슨이 클러스터에 남긴 토픽과 그룹을 지웁니다"),
		Long: a.t(`On a cluster that outlives a run (compose, your own, lab up --embedded) the topics of a lesson's last run stay for a look
at them. reset removes them, of one lesson or of all. Only what was started from this computer is touched.`,
			`실행이 끝나도 남는 클러스터(compose, 직접 지정한 클러스터, lab up --embedded)에는 레슨을 마지막으로 실행할 때 만든 토픽이 남아 있어 살펴볼 수
있습니다. reset은 레슨 하나 또는 전체의 것을 지웁니다. 이 컴퓨터에서 시작한 것만 건드립니다.`),
		Args: func(cmd *cobra.Command, args []string) error {
			return a.noArgs(cmd, args[min(1, len(args)):])
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return lessonNames(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			lessons := []string{""} // all, also those that the course no longer has
			if len(args) == 1 {
				chosen, err := chooseLessons(args)
				if err != nil {
					return err
				}
				lessons = nil
				for _, l := range chosen {
					lessons = append(lessons, l.Name)
				}
			}
			found, err := a.findKafka(cmd.Context())
			if err != nil {
				return err
			}
			nothing := true
			for _, name := range lessons {
				removed, err := runs.Remove(cmd.Context(), found.Config, name)
				for _, t := range removed.Topics {
					a.printf("%s %s\n", a.t("removed topic", "토픽 삭제:"), t)
				}
				for _, g := range removed.Groups {
					a.printf("%s %s\n", a.t("removed group", "그룹 삭제:"), g)
				}
				if err != nil {
					return err
				}
				nothing = nothing && len(removed.Topics)+len(removed.Groups) == 0
			}
			if nothing {
				a.printf("%s\n", a.t("Nothing is left over.", "남아 있는 것이 없습니다."))
			}
			return nil
		},
	}
}
