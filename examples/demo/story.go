//go:build unix

package main

import "fmt"

// story is what the audience sees, in its order.
func story(o options) []step {
	from, to := o.from.String(), o.to.String()
	return []step{
		// Act one: a management cluster, as found in the wild.
		{
			"Start a Kubernetes " + from + " cluster",
			"The real etcd, kube-apiserver and kube-controller-manager; only nodes are missing.",
			startOldCluster,
		},
		{
			"Fill it with what a management cluster holds",
			"Cluster API, Crossplane, Argo CD, tenants, quotas, secrets, written in the API versions of the time.",
			fillOldCluster,
		},
		{
			"Start the application, version 1",
			"A registry of customers' clusters with records in a database: state that no manifest holds.",
			startFleetV1,
		},

		// Act two: save it.
		{
			"Make a repository",
			"A bare Git repository, an age key for Secrets and an SSH key for signatures.",
			initRepository,
		},
		{
			"Let appbur run",
			"Manifests become a commit on main; with the application's records they become a restore point, a signed tag.\n" +
				"From now on each change is a commit within seconds, and there is a restore point every hour.",
			runDaemon,
		},
		{
			"A noisy while, and a restore point on demand",
			"Leases are renewed, status moves, events come in, tools write back what they read. Nobody changed anything.",
			quietPoint,
		},
		{
			"People change three things",
			"Three objects change; the trailers of a commit say which cluster, which version, which rules.",
			changesAndPoint,
		},
		{
			"Stop it",
			"What was saved needs nothing that runs.",
			stopDaemon,
		},

		// Act three: look at what was saved, with tools that know nothing of appbur.
		{
			"Is it a proper Git repository?",
			"Checked and cloned by git itself.",
			checkRepository,
		},
		{
			"Look at a manifest",
			"It was created as autoscaling/v2beta2. What belongs to this cluster alone is not in the file.",
			lookAtManifest,
		},
		{
			"Look at a Secret",
			"Its values are encrypted in the format of sops; the names of its keys stay readable in a diff.",
			lookAtSecret,
		},
		{
			"List the restore points",
			"",
			listPoints,
		},
		{
			"What would Kubernetes " + o.to.MinorString() + " say?",
			"Judged without a cluster of that version. One thing has no place there: a PodSecurityPolicy.",
			judgeForNewVersion,
		},

		// Act four: the small disaster.
		{
			"Somebody deletes a namespace",
			"The most common bad day. Everything else in the cluster goes on.",
			deleteNamespace,
		},
		{
			"Restore the namespace into the running cluster",
			"What is in it comes back; what it needs and the cluster still has is left as it is. Nothing else is touched.",
			restoreNamespace,
		},

		// Act five: rebuild it.
		{
			"Start an empty Kubernetes " + to + " cluster",
			"Thirteen minor versions later: it serves none of the old API versions any more.",
			startNewCluster,
		},
		{
			"Plan the restore",
			"What would happen to each object, and why. The plan asks the new cluster what it serves and changes nothing.",
			planRestore,
		},
		{
			"Try to restore without permission to leave something out",
			"A blocked object stops a restore before its first write, unless it is told to go on without it.",
			refuseRestore,
		},
		{
			"Start the application, version 2, without any record",
			"Its records have another schema: a field renamed, one moved, one dropped.",
			startFleetV2,
		},
		{
			"Restore",
			"Objects in the order of their references, owners before owned, owner references with the new uids, then the records.\n" +
				"What controllers act on is restored paused. There are no nodes, so no webhook is waited for that a Pod would answer.",
			restorePoint,
		},
		{
			"Verify",
			"Every object is read back, put through the same rules and compared with the plan; owners must be alive.\n" +
				"The application exports its records, which must be the saved ones under the declared change of schema.",
			verifyRestore,
		},
		{
			"Let the controllers act",
			"Now that everything is there, CronJobs, Cluster API, Flux and Crossplane may go on, in stages.\n" +
				"Here no controller runs that could become ready, so nothing is waited for.",
			activateRestored,
		},
		{
			"Restore once more",
			"What is there already is left alone. The records are left out: they would be imported once more.",
			restoreAgain,
		},
		{
			fmt.Sprintf("Give the garbage collector %.0f s, then verify again", o.wait.Seconds()),
			"It deletes what points at an owner that does not exist. It should find nothing.",
			waitAndVerify,
		},
		{
			"Back up the new cluster",
			"Its history begins. The application's records are exported again, now in the schema of version 2.",
			backupNewCluster,
		},
	}
}
