package architecture

// rule says what packages may import. The patterns are relative to this module: "*" stands for one element of a path,
// "/..." at the end for everything below too, and "./..." for the importing package's own room (see [room]).
type rule struct {
	name    string
	who     []string // the packages that it binds
	except  []string // and those of them that it does not bind
	about   []string // the imports that it is about
	may     []string // those of them that are allowed all the same
	tests   bool     // it binds tests, and packages for tests, too
	because string
}

var (
	anybody = []string{"cmd/...", "ch*/...", "internal/..."}
	ours    = anybody
)

// rules go from the top of the house to the bottom.
var rules = []rule{
	{
		name: "chapters stand above", who: []string{"internal/..."}, about: []string{"cmd/...", "ch*/..."}, tests: true,
		because: "chapters come and go; what serves all of them cannot know one",
	},
	{
		name: "chapters stand alone", who: []string{"ch*/..."}, about: []string{"cmd/...", "ch*/..."}, may: []string{"./..."}, tests: true,
		because: "a chapter is read, and can be taken out, without another",
	},
	{
		name: "lessons are scripts", who: []string{"ch*"}, about: ours,
		may:     []string{"./...", "internal/lesson", "internal/kafka/admin", "internal/greeting", "internal/i18n", "internal/problem"},
		because: "a lesson plays programs from outside; how the runner does it is none of its business",
	},
	{
		name: "programs are for students", who: []string{"ch*/*"}, about: ours,
		may:     []string{"./...", "internal/program", "internal/kafka", "internal/kafka/parallel", "internal/mysql", "internal/greeting", "internal/i18n", "internal/problem"},
		except:  []string{"ch*/observation"},
		because: "a program shows Kafka, and can be copied into a job: it knows no lesson and no course",
	},
	{
		name: "observations are words", who: []string{"ch*/observation"}, about: ours,
		because: "a chapter's observations are data that its programs and its lessons share",
	},
	{
		name: "the command line is cmd/lab", who: anybody, except: []string{"cmd/lab"}, about: []string{"github.com/spf13/..."},
		because: "what the tools do can be used, and tested, without flags",
	},
	{
		name: "remedies are at the edge", who: anybody,
		except:  []string{"cmd/lab", "ch*/...", "internal/console", "internal/doctor", "internal/lesson/...", "internal/program", "internal/remedy"},
		about:   []string{"internal/problem", "internal/remedy"},
		because: "a library returns typed errors; what to do about one is said where the reader is known",
	},
	{
		name: "tools know no lessons", who: []string{"internal/console/...", "internal/doctor/..."},
		about:   []string{"internal/lesson/...", "internal/report/...", "internal/event/..."},
		because: "they are for any topic and group, whoever made it",
	},
	{
		name: "a runner shows nothing", who: []string{"internal/lesson/...", "internal/program"}, about: []string{"internal/report/...", "internal/guide"},
		because: "who runs a lesson emits events; whoever wants to see it has a report made of them",
	},
	{
		name: "programs do not know who runs them", who: []string{"internal/program", "internal/stack"}, about: []string{"internal/lesson/..."},
		because: "a program is the same by hand and in a lesson",
	},
	{
		name: "reports are made of events", who: []string{"internal/report/..."}, about: ours, may: []string{"./...", "internal/event/...", "internal/i18n"},
		because: "whoever has the events of a run, from a file too, can see what happened",
	},
	{
		name: "events are data", who: []string{"internal/event/..."}, about: ours, may: []string{"./...", "internal/i18n"},
		because: "they are the format between those who run lessons and those who show them",
	},
	{
		name: "Kafka is a library", who: []string{"internal/kafka/..."}, about: ours, may: []string{"./...", "internal/i18n"},
		because: "it serves any program: no lessons, no events, no problems with remedies, no flags of lab",
	},
	{
		name: "MySQL is a library", who: []string{"internal/mysql/..."}, about: ours, may: []string{"./..."},
		because: "it serves any program: no lessons, no events, no problems with remedies, no flags of lab",
	},
	{
		name: "servers are libraries", who: []string{"internal/embedded/...", "internal/mysqld/..."}, about: ours,
		may:     []string{"./...", "internal/home", "internal/i18n", "internal/localport", "internal/mysql", "internal/pidfile"},
		because: "they serve lessons, programs and tests alike, and know none of them",
	},
	{
		name: "the embedded Kafka is embedded", who: anybody, except: []string{"internal/embedded"}, about: []string{"github.com/twmb/franz-go/..."},
		because: "to everybody else it is a Kafka, reached over the network",
	},
	{
		name: "problems are words", who: []string{"internal/problem"}, about: ours, may: []string{"internal/i18n"},
		because: "everybody at the edge can use them",
	},
	{
		name: "the ground", who: []string{"internal/checkout", "internal/compose", "internal/faultproxy", "internal/greeting", "internal/home", "internal/i18n", "internal/localport", "internal/pidfile"}, about: ours,
		because: "everybody may stand on them, and so they stand on nothing",
	},
}

// forTests are imports that make a package one for tests.
var forTests = []string{
	"testing/...", "net/http/httptest", "go.uber.org/goleak", "github.com/testcontainers/...", "github.com/moby/...",
	"github.com/santhosh-tekuri/jsonschema/...", "github.com/rogpeppe/go-internal/...",
}
