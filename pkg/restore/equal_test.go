package restore

import "testing"

func TestIsAsPlanned(t *testing.T) {
	const deployment = `{"metadata":{"name":"a"},"spec":{"ports":[{"port":53,"name":"x"}],"set":["p","q"]}}`
	managed := func(fields string) string {
		return `{"metadata":{"name":"a","managedFields":[{"manager":"appbur","operation":"Apply","fieldsV1":` + fields + `}]},
			"spec":{"ports":[{"port":53,"name":"x","protocol":"TCP"}],"set":["p","q"],"replicas":1}}`
	}
	tests := []struct {
		name, live string
		want       bool
	}{
		{"equal", deployment, true},
		{"defaults on top", managed(`{}`), true},
		{
			"all that is ours is planned",
			managed(`{"f:spec":{"f:ports":{"k:{\"port\":53,\"protocol\":\"TCP\"}":{".":{},"f:name":{}}},"f:set":{"v:\"p\"":{}}}}`), true,
		},
		{"a field of ours would go", managed(`{"f:spec":{"f:replicas":{}}}`), false},
		{"an element of ours would go", managed(`{"f:spec":{"f:ports":{"k:{\"port\":80}":{}}}}`), false},
		{"a value of ours would go", managed(`{"f:spec":{"f:set":{"v:\"z\"":{}}}}`), false},
		{"a place of ours would go", managed(`{"f:spec":{"f:set":{"i:2":{}}}}`), false},
		{"ownership that is not readable", managed(`{"f:spec":{"f:set":{"k:{":{},"?":null}}}`), false},
		{"another value", `{"metadata":{"name":"a"},"spec":{"ports":[{"port":54,"name":"x"}],"set":["p","q"]}}`, false},
		{"an element more", `{"metadata":{"name":"a"},"spec":{"ports":[{"port":53,"name":"x"}],"set":["p","q","r"]}}`, false},
	}

	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := isAsPlanned(decode(t, deployment), decode(t, tt.live)); got != tt.want {
				t.Errorf("got %t", got)
			}
		})
	}

	if isAsPlanned(decode(t, deployment), nil) {
		t.Error("what is not there is as planned")
	}
}
