// Package metrics shows Prometheus what a server of the contract does. It is apart from
// the package contract, so that applications without Prometheus do not build it in.
//
// The usual way in is [New], whose result goes into contract.Options.Metrics and is
// served where Prometheus finds it:
//
//	m := metrics.New()
//	options.Metrics = m
//	http.Handle("/metrics", m)
//
// An application that has a registry of its own registers it there instead; it is a
// prometheus.Collector.
//
//	appbur_contract_calls_total{call,code,reason}            ended calls
//	appbur_contract_calls_in_flight{call}                    calls under way
//	appbur_contract_call_seconds_sum{call}, …_count{call}    how long ended calls took
//	appbur_contract_payload_bytes_total{kind}                payload sent ("export") and received ("import")
//	appbur_contract_rows_total{kind}                         rows sent, and rows applied
//	appbur_contract_operations{kind,state}                   operations that run or wait for a resume
//	appbur_contract_last_success_timestamp_seconds{kind}     when the last one succeeded, dry runs not counted
//
// # Promises
//
//   - Labels come from closed lists: a reason that an application invents is "OTHER".
//   - No value of a row is in a metric.
package metrics
