package timeline_test

import (
	"testing"
	"time"

	"kafkahandson/internal/event"
	"kafkahandson/internal/event/eventtest"
)

func TestTimelineOwners(t *testing.T) {
	s := eventtest.NewStory(map[string]string{"member#1": "A", "member#2": "B", "member#3": "B"})
	s.Program(0, event.Started, "member#1")
	s.Claims(100, event.Acquired, "member#1", 1, 0, 1, 2)
	one, settled := s.Timeline().Owners()
	if !settled || one.Of("A") != 3 {
		t.Errorf("alone: %v, settled %v", one, settled)
	}
	s.Claims(200, event.Acquired, "member#2", 2, 2) // what A says comes later than what B says
	if now, settled := s.Timeline().Owners(); settled {
		t.Errorf("settled with two owners: %v", now)
	}
	s.Claims(150, event.Released, "member#1", 2, 2)
	two, settled := s.Timeline().Owners()
	if !settled || two.Of("A") != 2 || two.Of("B") != 1 || two.Interrupted(one) != 1 || two.Moved(one) != 1 || two.Generation() != 2 {
		t.Errorf("two: %v, settled %v", two, settled)
	}
	s.Program(300, event.Exited, "member#2")
	if now, settled := s.Timeline().Owners(); settled || len(now) != 2 {
		t.Errorf("while B is down: %v, settled %v", now, settled)
	}
	s.Claims(400, event.Acquired, "member#3", 2, 2)
	again, settled := s.Timeline().Owners()
	if !settled || again.Interrupted(two) != 1 || again.Moved(two) != 0 || len(again.Kept(one)) != 2 {
		t.Errorf("again: %v, settled %v", again, settled)
	}
	if sum := s.Timeline().Unowned(); sum != 150*time.Millisecond {
		t.Errorf("without an owner: %v", sum)
	}
	if n := s.Timeline().Ended(); n != 2 {
		t.Errorf("%d ended", n)
	}
	if n := s.Timeline().Overlaps(); n != 0 {
		t.Errorf("%d overlaps", n)
	}
	s.Claims(450, event.Acquired, "member#1", 3, 2) // B works on
	s.Claims(500, event.Released, "member#3", 2, 2)
	if n := s.Timeline().Overlaps(); n != 1 {
		t.Errorf("%d overlaps, want 1", n)
	}
}
