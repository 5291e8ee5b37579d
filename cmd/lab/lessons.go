package main

import (
	"fmt"

	ch3 "kafkahandson/ch3-offsets"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/lesson"
	"kafkahandson/internal/problem"
)

// chapters are the chapters of the course.
func chapters() []lesson.Chapter {
	return []lesson.Chapter{ch3.Chapter()}
}

func allLessons() []lesson.Lesson {
	var all []lesson.Lesson
	for _, c := range chapters() {
		all = append(all, c.Lessons...)
	}
	return all
}

func lessonNames() []string {
	var names []string
	for _, l := range allLessons() {
		names = append(names, l.Name)
	}
	return names
}

// lessonChoices are the names that [chooseLessons] knows.
func lessonChoices() []string {
	names := append(lessonNames(), everything)
	for _, c := range chapters() {
		names = append(names, chapterName(c))
	}
	return names
}

// everything is what a person writes for all lessons.
const everything = "all"

func chapterName(c lesson.Chapter) string { return fmt.Sprintf("ch%d", c.Number) }

// chooseLessons returns the lessons that names stand for: a lesson, a chapter ("ch3") or "all".
func chooseLessons(names []string) ([]lesson.Lesson, error) {
	var chosen []lesson.Lesson
	for _, name := range names {
		var some []lesson.Lesson
		for _, c := range chapters() {
			for _, l := range c.Lessons {
				if name == everything || name == chapterName(c) || name == l.Name {
					some = append(some, l)
				}
			}
		}
		if len(some) == 0 {
			return nil, problem.Usage(i18n.Text{EN: "there is no lesson %q", KO: "%q 레슨이 없습니다"}.With(name),
				append(problem.Nearest(name, lessonChoices()), i18n.Text{EN: "see which there are: lab list", KO: "어떤 레슨이 있는지 보세요: lab list"})...)
		}
		chosen = append(chosen, some...)
	}
	return chosen, nil
}
