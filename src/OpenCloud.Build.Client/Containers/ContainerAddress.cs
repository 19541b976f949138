using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Engines.Remote;
using OpenCloud.Build.Linux.Programs;

namespace OpenCloud.Build.Client.Containers;

/// <summary>
/// The address of an engine in a container. It is used by the docker command, which knows Docker Engines by its own configuration: one that it does
/// not connect to has no address.
/// </summary>
internal static class ContainerAddress
{
    /// <summary>The context of the docker command that connects to a Docker Engine; empty when none is needed, null when there is none.</summary>
    /// <param name="asked">The address that the user gave; null for the default.</param>
    /// <param name="resolved">The address that it was resolved to.</param>
    /// <param name="options">The options with the variables of the environment.</param>
    public static string? FindContext(EngineAddress? asked, EngineAddress resolved, EngineConnectOptions options)
    {
        if (asked is null or { Scheme: "docker", Path: null, Host: null })
        {
            return string.Empty;
        }

        if (asked.Remote is { Scheme: RemoteAddress.DockerContext, Name: var name })
        {
            return name;
        }

        try
        {
            if (DockerEndpoint.Current(options.GetEnvironmentVariable).Address.Equals(resolved))
            {
                return string.Empty;
            }
        }
        catch (EngineConnectException)
        {
            // The docker command cannot use its current setting either.
        }

        return new DockerContextFiles(options.GetEnvironmentVariable).List().FirstOrDefault(context => RemoteAddress.IsContext(context) && LeadsTo(context, resolved, options));
    }

    /// <summary>The address for the docker command.</summary>
    public static EngineAddress Of(string container, string context) =>
        EngineAddress.Parse($"{RemoteAddress.DockerContainer}://{container}{(context.Length == 0 ? "" : "?context=" + context.Replace("+", "%2B", StringComparison.Ordinal))}");

    /// <summary>Why the docker command of this user cannot be used; null when it can.</summary>
    public static string? Objection(EngineConnectOptions options) =>
        ProgramFinder.Find("docker", ProgramFinder.Folders(options.GetEnvironmentVariable("PATH"))) is null
            ? $"The program 'docker', which connects to the engine in the container, is not on the PATH.{ProgramFinder.Hint("docker")}"
            : null;

    private static bool LeadsTo(string context, EngineAddress resolved, EngineConnectOptions options)
    {
        try
        {
            return DockerEndpoint.OfContext(context, options.GetEnvironmentVariable).Address.Equals(resolved);
        }
        catch (EngineConnectException)
        {
            return false;
        }
    }
}
