package upgrade

// Step is a step of an upgrade.
type Step struct {
	// ID names the step in checklists; it never changes.
	ID    string `json:"id"`
	Title string `json:"title"`
	// Do is what a person does, Commands what is typed.
	Do       string   `json:"do"`
	Commands []string `json:"commands"`
	// Proves is what is known when the commands have ended well, Again what to do after an interruption.
	Proves string `json:"proves"`
	Again  string `json:"again"`
}
