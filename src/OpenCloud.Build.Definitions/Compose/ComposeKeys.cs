namespace OpenCloud.Build.Definitions.Compose;

/// <summary>The keys that a Compose file may have; extension keys begin with <c>x-</c>.</summary>
/// <remarks>Those of compose-spec (schema/compose-spec.json).</remarks>
internal static class ComposeKeys
{
    public static readonly string[] File = ["version", "name", "include", "services", "models", "networks", "volumes", "secrets", "configs"];

    public static readonly string[] Build =
    [
        "context", "dockerfile", "dockerfile_inline", "entitlements", "args", "ssh", "labels", "cache_from", "cache_to", "no_cache", "no_cache_filter", "additional_contexts",
        "network", "provenance", "sbom", "pull", "target", "shm_size", "extra_hosts", "isolation", "privileged", "secrets", "tags", "ulimits", "platforms",
    ];

    /// <summary>The keys of a service that matter for its build.</summary>
    public static readonly string[] Kept = ["build", "image", "profiles", "platform", "extends", "environment"];

    private static readonly HashSet<string> Service = new(StringComparer.Ordinal)
    {
        "annotations", "attach", "blkio_config", "build", "cap_add", "cap_drop", "cgroup", "cgroup_parent", "command", "configs", "container_name", "cpu_count", "cpu_percent",
        "cpu_period", "cpu_quota", "cpu_rt_period", "cpu_rt_runtime", "cpu_shares", "cpus", "cpuset", "credential_spec", "depends_on", "deploy", "develop", "device_cgroup_rules",
        "devices", "dns", "dns_opt", "dns_search", "domainname", "entrypoint", "env_file", "environment", "expose", "extends", "external_links", "extra_hosts", "gpus", "group_add",
        "healthcheck", "hostname", "image", "init", "ipc", "isolation", "label_file", "labels", "links", "logging", "mac_address", "mem_limit", "mem_reservation", "mem_swappiness",
        "memswap_limit", "models", "network_mode", "networks", "oom_kill_disable", "oom_score_adj", "pid", "pids_limit", "platform", "ports", "post_start", "pre_start", "pre_stop",
        "privileged", "profiles", "provider", "pull_policy", "pull_refresh_after", "read_only", "restart", "runtime", "scale", "secrets", "security_opt", "shm_size", "stdin_open",
        "stop_grace_period", "stop_signal", "storage_opt", "sysctls", "tmpfs", "tty", "ulimits", "use_api_socket", "user", "userns_mode", "uts", "volumes", "volumes_from", "working_dir",
    };

    public static void Check(ComposeNode file)
    {
        Refuse(file, File, "a Compose file");
        foreach ((string name, ComposeNode service) in file.Entry("services")?.ToEntries("services") ?? [])
        {
            if (service.IsNull)
            {
                continue;
            }

            foreach ((string key, ComposeNode value) in service.ToEntries(name))
            {
                if (!Service.Contains(key) && !key.StartsWith("x-", StringComparison.Ordinal))
                {
                    throw value.Refuse($"the service '{name}' has the unknown key '{key}'.");
                }
            }

            if (service.Entry("build") is { Entries: not null } build)
            {
                Refuse(build, Build, $"'build' of the service '{name}'");
            }
        }
    }

    private static void Refuse(ComposeNode node, string[] known, string what)
    {
        foreach ((string key, ComposeNode value) in node.ToEntries(what))
        {
            if (!known.Contains(key) && !key.StartsWith("x-", StringComparison.Ordinal))
            {
                throw value.Refuse($"'{key}' is not a key of {what}.");
            }
        }
    }
}
