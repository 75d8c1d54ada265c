// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package denied

import "cloudfront503/pkg/incident"

// Step says in one sentence, without an end, that a step of a runbook has failed, and which policy denied what where one
// did. The texts are what SSM says of it, the best first: an error of a function stands whole in the step's output only.
// What is no denial is not repeated: a text of AWS may hold values of the configuration.
func Step(name string, texts ...string) string {
	sentence := "step " + incident.Line(name, 100) + " has failed"
	why := first(texts)
	if !why.Denied {
		return sentence
	}
	sentence += ": " + why.String()
	if why.Principal != "" {
		sentence += ", asked by " + incident.Line(why.Principal, 200)
	}
	return sentence
}

// first explains the first text that names a policy, else the first that is a denial.
func first(texts []string) Explanation {
	found := Explanation{Policy: Unknown, How: Undecided}
	for _, text := range texts {
		why := Explain(text)
		if why.Denied && (!found.Denied || found.Policy == Unknown && why.Policy != Unknown) {
			found = why
		}
	}
	return found
}
