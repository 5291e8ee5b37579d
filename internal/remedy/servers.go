package remedy

import (
	"os/exec"
	"path/filepath"

	"kafkahandson/internal/embedded"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/mysqld"
	"kafkahandson/internal/problem"
)

func ofEmbedded(err error) (*problem.Problem, error) {
	e, ok := as[*embedded.InUseError](err)
	if !ok {
		return nil, nil
	}
	solve := []i18n.Text{{EN: "see it with `lab status`, stop it with `lab down --embedded`", KO: "`lab status`로 확인하고 `lab down --embedded`로 멈추세요"}}
	if e.PID == 0 { // lab down does not know whom to end
		solve = []i18n.Text{
			{EN: "it may be starting: try again", KO: "시작하는 중일 수 있으니 다시 시도하세요"},
			i18n.Text{EN: "see which process it is, and end that: lsof '%s'", KO: "어떤 프로세스인지 찾아서 끝내세요: lsof '%s'"}.With(filepath.Join(e.Dir, "lock")),
		}
	}
	return problem.Environment(e.Err, i18n.Text{EN: "another embedded Kafka is using %s", KO: "다른 내장 Kafka가 %s을(를) 사용하고 있습니다"}.With(e.Dir), solve...), e
}

func ofMySQLServer(err error) (*problem.Problem, error) {
	e, ok := as[*mysqld.Error](err)
	if !ok {
		return nil, nil
	}
	log := i18n.Text{EN: "see its log: %s", KO: "로그를 확인해 주세요: %s"}.With(e.Log)
	switch e.Reason {
	case mysqld.Busy:
		return problem.Environment(e.Err, i18n.Text{
			EN: "Another process has been starting or stopping the embedded MySQL all this time (lock %s).",
			KO: "다른 프로세스가 내장 MySQL을 계속 시작하거나 종료하는 중입니다(잠금 파일 %s).",
		}.With(e.Lock), i18n.Text{
			EN: "wait for it to finish, then try again",
			KO: "그 작업이 끝나기를 기다렸다가 다시 시도해 주세요",
		}), e
	case mysqld.Broken:
		return problem.Environment(e.Err, i18n.Text{
			EN: "The embedded MySQL does not start.",
			KO: "내장 MySQL이 시작되지 않습니다.",
		}, log, i18n.Text{
			EN: "if its data is damaged, delete it, it is made anew: rm -r '%s'",
			KO: "데이터가 손상되었다면 지워 주세요. 다시 만들어집니다: rm -r '%s'",
		}.With(e.Data)), e
	case mysqld.Silent:
		return problem.Environment(e.Err, i18n.Text{
			EN: "The embedded MySQL runs, but has not answered on 127.0.0.1:%d for %v.",
			KO: "내장 MySQL이 실행 중이지만 127.0.0.1:%d에서 %v 동안 응답하지 않습니다.",
		}.With(e.Port, e.Waited), i18n.Text{
			EN: "stop it and try again: go run ./cmd/lab down --embedded",
			KO: "종료한 뒤 다시 시도해 주세요: go run ./cmd/lab down --embedded",
		}, log), e
	case mysqld.Missing:
		return problem.Environment(e.Err, i18n.Text{
			EN: "There is no MariaDB or MySQL server on this machine.",
			KO: "이 컴퓨터에 MariaDB나 MySQL 서버가 없습니다.",
		}, waysToMySQL()...), e
	}
	return problem.Environment(e.Err, i18n.Text{
		EN: "No MariaDB or MySQL server could be made ready on this machine.",
		KO: "이 컴퓨터에서 MariaDB나 MySQL 서버를 준비하지 못했습니다.",
	}, waysToMySQL()...), e
}

// waysToMySQL are the ways to a MySQL on a machine that has none.
func waysToMySQL() []i18n.Text {
	var ways []i18n.Text
	if command := installCommand(); command != "" {
		ways = append(ways, i18n.Text{EN: "install a server: %s", KO: "서버를 설치해 주세요: %s"}.With(command))
	}
	return append(ways, i18n.Text{
		EN: "use the compose stack: make up",
		KO: "compose 스택을 사용하세요: make up",
	}, i18n.Text{
		EN: "use a database of yours: set MYSQL_DSN to user:password@tcp(host:port)/database",
		KO: "쓰고 있는 데이터베이스를 사용하세요: MYSQL_DSN에 user:password@tcp(host:port)/database 형식으로 지정",
	})
}

// installCommand is the command that installs a server with this machine's package manager.
func installCommand() string {
	for _, manager := range []struct{ program, command string }{
		{"brew", "brew install mariadb"},
		{"apt-get", "sudo apt-get update && sudo apt-get install --no-install-recommends mariadb-server-core mariadb-client-core"},
		{"dnf", "sudo dnf install mariadb-server"},
		{"pacman", "sudo pacman -S mariadb"},
	} {
		if _, err := exec.LookPath(manager.program); err == nil {
			return manager.command
		}
	}
	return ""
}
