using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Engines;

namespace OpenCloud.Build.Completion;

/// <summary>Completes the address of an engine with those found on this machine and the names of registered engines.</summary>
public sealed class AddressCompleter : IArgumentCompleter
{
    // Schemes that cannot be discovered; offered when the user has begun to type one.
    private static readonly (string Text, string Tip)[] Schemes =
    [
        ("vsock://local:", "AF_VSOCK on this machine, and a port"),
        ("vsock://host:", "AF_VSOCK on the host of this virtual machine, and a port"),
        ("vsock://", "AF_VSOCK: the context id of a virtual machine and a port, for example vsock://3:8088"),
        ("vsock+unix://", "the vsock of a virtual machine as a unix socket, and a port, for example vsock+unix:///run/vm.sock:8088"),
        ("ssh://", "an engine on a machine that ssh reaches, for example ssh://user@host"),
        ("docker+ssh://", "the Docker Engine on a machine that ssh reaches, for example docker+ssh://user@host"),
        ("docker-context://", "the Docker Engine of a context of the docker command, by its name"),
        ("docker-container://", "an engine in a container of Docker, by its name"),
        ("podman-container://", "an engine in a container of Podman, by its name"),
        ("nerdctl-container://", "an engine in a container of containerd, by its name"),
        ("kube-deployment://", "the engines of a deployment, for example kube-deployment://builders?namespace=ci"),
        ("kube-pod://", "an engine in a pod, for example kube-pod://buildkitd-0?namespace=build"),
    ];

    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        IReadOnlyList<EngineCandidate> candidates;
        try
        {
            candidates = EngineDiscovery.Candidates(new EngineConnectOptions());
        }
        catch (EngineConnectException)
        {
            // An invalid setting offers nothing.
            return EngineNameCompleter.Names().Matching(wordToComplete);
        }

        string word = wordToComplete.Trim('\'', '"');
        // Existing sockets only, without connecting: completion must not wait for an engine.
        return candidates
            .Where(static c => c.Address is not null && (c.Address.Path is null || File.Exists(c.Address.Path)))
            .Select(static c => (Text: c.Address!.ToString(), c.Source))
            .Concat(word.Length > 0 ? Schemes.Where(scheme => scheme.Text != word) : [])
            .Concat(EngineNameCompleter.Names())
            .Concat(Names(word))
            .DistinctBy(static c => c.Text)
            .Matching(wordToComplete);
    }

    /// <summary>What is known behind the start of a word: from files, or from programs within the time of completion.</summary>
    private static IEnumerable<(string Text, string Tip)> Names(string word)
    {
        if (RemoteEngineNames.StartOf(word) is not { } start)
        {
            return [];
        }

        string tip = start[..start.IndexOf(':')].ToLowerInvariant() switch
        {
            "ssh" or "docker+ssh" => "a host of ~/.ssh/config",
            "docker-context" => "a Docker context",
            _ when start.Contains('?') => "a parameter of the address",
            "kube-pod" => "a running pod",
            "kube-deployment" => "the engines of a deployment",
            _ => "a running container",
        };
        return CompletionQuery.Ask("names " + start, stop => RemoteEngineNames.CompleteAsync(start, new EngineConnectOptions(), stop)).Select(address => (address, tip));
    }
}
