package mysql_test

import (
	"testing"

	"kafkahandson/internal/mysql/mysqltest"
)

func TestConformance(t *testing.T) { mysqltest.RunConformance(t, mysqltest.Server(t)) }
