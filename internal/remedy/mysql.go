package remedy

import (
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/mysql"
	"kafkahandson/internal/problem"
)

func ofMySQL(err error) (*problem.Problem, error) {
	if e, ok := as[*mysql.ConnectError](err); ok {
		return reach(e), e
	}
	if e, ok := as[*mysql.DSNError](err); ok {
		return problem.Usage(i18n.Text{
			EN: "%s is not a data source name of the Go MySQL driver.",
			KO: "%s 값이 Go MySQL 드라이버의 데이터 소스 이름(DSN) 형식이 아닙니다.",
		}.With(mysql.EnvDSN), i18n.Text{
			EN: "write it as user:password@tcp(host:port)/database",
			KO: "user:password@tcp(host:port)/database 형식으로 적어 주세요",
		}, i18n.Text{
			EN: "unset %s to use the compose stack or the embedded server",
			KO: "%s 설정을 지우면 compose 스택이나 내장 서버를 사용합니다",
		}.With(mysql.EnvDSN)), e
	}
	if e, ok := as[*mysql.PortError](err); ok {
		return problem.Usage(i18n.Text{
			EN: "The MySQL port %d is not between 1 and 65535.",
			KO: "MySQL 포트 %d은(는) 1에서 65535 사이의 값이 아닙니다.",
		}.With(e.Port), i18n.Text{EN: "check MYSQL_PORT", KO: "MYSQL_PORT 값을 확인해 주세요"}), e
	}
	if e, ok := as[*mysql.ValueError](err); ok {
		return value(e), e
	}
	return nil, nil
}

func reach(e *mysql.ConnectError) *problem.Problem {
	checkDSN := i18n.Text{
		EN: "check %s: it is used before the compose stack and the embedded server",
		KO: "%s 값을 확인해 주세요. compose 스택이나 내장 서버보다 먼저 쓰입니다",
	}.With(mysql.EnvDSN)
	switch e.Reason {
	case mysql.NoDatabase:
		return problem.Environment(e.Err, i18n.Text{
			EN: "MySQL at %s has no database %s.",
			KO: "%s의 MySQL에 %s 데이터베이스가 없습니다.",
		}.With(e.Addr, e.Database), checkDSN)
	case mysql.Refused:
		return problem.Environment(e.Err, i18n.Text{
			EN: "MySQL at %s does not let the user %s into the database %s.",
			KO: "%s의 MySQL이 사용자 %s의 %s 데이터베이스 접속을 거부했습니다.",
		}.With(e.Addr, e.User, e.Database), checkDSN, i18n.Text{
			EN: "if another MySQL of yours has the port, stop it, then start the course's: make up",
			KO: "다른 MySQL이 그 포트를 쓰고 있다면 종료한 뒤 강의의 스택을 시작하세요: make up",
		})
	}
	return problem.Environment(e.Err, i18n.Text{
		EN: "MySQL at %s does not answer (database %s, user %s; tried %d times in %v).",
		KO: "%s의 MySQL이 응답하지 않습니다(데이터베이스 %s, 사용자 %s, %[5]v 동안 %[4]d번 시도).",
	}.With(e.Addr, e.Database, e.User, e.Tries, e.Waited), i18n.Text{
		EN: "start the course's stack: make up",
		KO: "강의의 스택을 시작하세요: make up",
	}, i18n.Text{
		EN: "without Docker, leave %s unset: lessons and programs start a private server by themselves",
		KO: "Docker가 없다면 %s을(를) 설정하지 마세요. 레슨과 프로그램이 개인용 서버를 스스로 시작합니다",
	}.With(mysql.EnvDSN), checkDSN)
}

func value(e *mysql.ValueError) *problem.Problem {
	p := &problem.Problem{Cause: e.Err, What: i18n.Text{EN: "the database does not take the value of column %s", KO: "데이터베이스가 %s 열의 값을 받아들이지 않습니다"}.With(e.Column)}
	switch e.Reason {
	case mysql.TooLong:
		p.Solve = []i18n.Text{{EN: "shorten the value, or give the column more room", KO: "값을 줄이거나 열의 크기를 늘리세요"}}
	case mysql.OutOfRange:
		p.Solve = []i18n.Text{{EN: "use a number that the column's type has, or a wider type", KO: "열의 타입이 담을 수 있는 숫자를 쓰거나 더 넓은 타입으로 바꾸세요"}}
	case mysql.Null:
		p.Solve = []i18n.Text{{EN: "give it a value: the column cannot be NULL", KO: "값을 넣으세요. 이 열은 NULL일 수 없습니다"}}
	default:
		p.Solve = []i18n.Text{{EN: "check that the value fits the column's type and is valid UTF-8", KO: "값이 열의 타입에 맞고 올바른 UTF-8인지 확인하세요"}}
	}
	return p
}
