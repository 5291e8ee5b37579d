package doctor

import (
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/shirou/gopsutil/v4/mem"

	"kafkahandson/internal/compose"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/localport"
)

// Machine checks what the course needs of the computer: Go, memory, Docker, free ports.
func Machine(ctx context.Context, stack compose.Stack, ports compose.Ports) []Finding {
	findings := []Finding{goCommand(ctx), good("platform", i18n.Verbatim(runtime.GOOS+"/"+runtime.GOARCH)), memory(ctx)}
	engine := docker(ctx)
	findings = append(findings, engine...)

	var published []int // nothing is where no Docker answers
	if !slices.ContainsFunc(engine, unusable) {
		var err error
		if published, err = stack.Published(ctx); err != nil {
			findings = append(findings, Failed("compose stack", Bad, err, i18n.Text{
				EN: "repair .env and docker-compose.yml: git diff shows what was changed",
				KO: ".env와 docker-compose.yml을 바로잡으세요. 바뀐 곳은 git diff로 볼 수 있습니다"}))
		}
	}
	return append(findings, portHolders(ctx, ports, published)...)
}

func goCommand(ctx context.Context) Finding {
	out, err := exec.CommandContext(ctx, "go", "env", "GOVERSION").Output()
	if err != nil {
		return Failed("go", Bad, err, i18n.Text{EN: "install Go (go.mod says which version) and put it on the PATH", KO: "Go를 설치하고(버전은 go.mod 참고) PATH에 추가하세요"})
	}
	return good("go", i18n.Verbatim(strings.TrimSpace(string(out))))
}

const (
	// computerMemory is that of the course's laptop of 8 GB, of which the system does not show all.
	computerMemory = 7 << 30
	// engineMemory is what the containers of docker-compose.yml may take together, and a little for the engine.
	engineMemory = 5600 << 20
)

func memory(ctx context.Context) Finding {
	cure := i18n.Text{
		EN: "the compose stack is made for 8 GB; without it: make up-embedded",
		KO: "compose 스택은 8GB 메모리를 기준으로 만들었습니다. 스택 없이는: make up-embedded"}
	m, err := mem.VirtualMemoryWithContext(ctx)
	if err != nil {
		return Failed("memory", Warning, err, cure)
	}
	detail := i18n.Text{EN: "%.1f GiB, %.1f GiB of it free", KO: "%.1f GiB, 여유 %.1f GiB"}.With(gib(m.Total), gib(m.Available))
	if m.Total < computerMemory {
		return Finding{What: "memory", Level: Warning, Detail: detail, Solve: []i18n.Text{cure}}
	}
	return good("memory", detail)
}

func gib[N int64 | uint64](bytes N) float64 { return float64(bytes) / (1 << 30) }

// docker checks the engine and Compose. Without Docker most lessons run, so its absence is a warning.
func docker(ctx context.Context) []Finding {
	version, err := compose.EngineVersion(ctx)
	if err != nil {
		return []Finding{Failed("docker", Warning, err, i18n.Text{EN: "start Docker", KO: "Docker를 시작하세요"})}
	}
	findings := []Finding{
		atLeast("docker", version, []int{25, 0, 0}, i18n.Text{
			EN: "docker-compose.yml needs Docker Engine 25 or newer: update Docker Desktop or Docker Engine",
			KO: "docker-compose.yml에는 Docker Engine 25 이상이 필요합니다. Docker Desktop이나 Docker Engine을 업데이트하세요"}),
		dockerResources(ctx),
	}
	version, err = compose.Version(ctx)
	if err != nil {
		return append(findings, Failed("docker compose", Warning, err, i18n.Text{EN: "install the Compose plugin", KO: "Compose 플러그인을 설치하세요"}))
	}
	return append(findings, atLeast("docker compose", version, []int{2, 23, 1}, i18n.Text{
		EN: "docker-compose.yml needs 2.23.1 or newer: update Docker Desktop or the Compose plugin",
		KO: "docker-compose.yml에는 2.23.1 이상이 필요합니다. Docker Desktop이나 Compose 플러그인을 업데이트하세요"}))
}

// unusable tells of an engine or a Compose that does not answer.
func unusable(f Finding) bool {
	return f.Level == Warning && (f.What == "docker" || f.What == "docker compose")
}

// atLeast checks a version. One that cannot be read passes: the command itself will say what it lacks.
func atLeast(what, version string, want []int, cure i18n.Text) Finding {
	var have [3]int
	n, _ := fmt.Sscanf(strings.TrimPrefix(version, "v"), "%d.%d.%d", &have[0], &have[1], &have[2])
	if n > 0 && slices.Compare(have[:], want) < 0 {
		return Finding{What: what, Level: Bad, Detail: i18n.Verbatim(version), Solve: []i18n.Text{cure}}
	}
	return good(what, i18n.Verbatim(version))
}

func dockerResources(ctx context.Context) Finding {
	const what = "docker memory"
	cure := i18n.Text{
		EN: "give Docker 6 GB or more (Docker Desktop: Settings, Resources), or start only a part: lab up kafka1 kafka2 kafka3 mysql",
		KO: "Docker에 6GB 이상을 할당하거나(Docker Desktop: Settings, Resources) 일부만 시작하세요: lab up kafka1 kafka2 kafka3 mysql"}
	memory, processor, err := compose.EngineResources(ctx)
	if err != nil {
		return Failed(what, Warning, err, cure)
	}
	detail := i18n.Verbatim(fmt.Sprintf("%.1f GiB, %s", gib(memory), processor))
	if memory < engineMemory {
		return Finding{What: what, Level: Warning, Detail: detail, Solve: []i18n.Text{cure}}
	}
	return good(what, detail)
}

// portHolders tells who has the stack's ports. published are those that lead to its own containers: on Linux root's
// docker-proxy listens there, which an ordinary user cannot look at.
func portHolders(ctx context.Context, ports compose.Ports, published []int) []Finding {
	var ours []string
	var findings []Finding
	for _, port := range append(slices.Clone(ports.Kafka), ports.ZooKeeper, ports.MySQL, ports.CMAK, ports.Console, ports.UI, ports.Connect) {
		switch {
		case slices.Contains(published, port):
			ours = append(ours, strconv.Itoa(port))
		case localport.Taken(port):
			findings = append(findings, portHolder(ctx, port))
		}
	}
	if len(ours) > 0 {
		findings = append(findings, good("ports", i18n.Text{EN: "the compose stack has %s", KO: "compose 스택이 사용 중: %s"}.With(strings.Join(ours, ", "))))
	}
	if len(findings) == 0 {
		findings = append(findings, good("ports", i18n.Text{EN: "all free", KO: "모두 비어 있습니다"}))
	}
	return findings
}

// portHolder tells who has a port that is not the compose stack's now.
func portHolder(ctx context.Context, port int) Finding {
	what := "port " + strconv.Itoa(port)
	if containers, err := compose.PublishedBy(ctx, port); err == nil && len(containers) > 0 { // without Docker it is no container
		return Finding{What: what, Level: Warning, Detail: i18n.Text{EN: "taken by the container %s", KO: "다른 컨테이너(%s)가 사용 중"}.With(containers[0]),
			Solve: []i18n.Text{
				i18n.Text{EN: "stop it: docker stop %s", KO: "그 컨테이너를 멈추세요: docker stop %s"}.With(containers[0]),
				anotherPort()}}
	}
	switch holder := localport.Holder(ctx, port); {
	case strings.HasPrefix(holder, "lab "):
		return good(what, i18n.Text{EN: "the embedded Kafka of %s", KO: "%s의 내장 Kafka가 사용 중"}.With(holder))
	case holder == "":
		return Finding{What: what, Level: Warning, Detail: i18n.Text{EN: "taken by a process of another user", KO: "다른 사용자의 프로세스가 사용 중"},
			Solve: []i18n.Text{i18n.Text{EN: "see which: sudo lsof -i :%d", KO: "어떤 프로세스인지 확인하세요: sudo lsof -i :%d"}.With(port), anotherPort()}}
	default:
		return Finding{What: what, Level: Warning, Detail: i18n.Text{EN: "taken by %s", KO: "다른 프로그램(%s)이 사용 중"}.With(holder),
			Solve: []i18n.Text{{EN: "end that process", KO: "그 프로세스를 끝내세요"}, anotherPort()}}
	}
}

func anotherPort() i18n.Text {
	return i18n.Text{EN: "choose another port in .env", KO: ".env에서 다른 포트를 고르세요"}
}
