using System.Globalization;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Progress;
using OpenCloud.Build.Client.Tls;

namespace BuildImage;

/// <summary>Builds an image. The log goes to standard error, so that standard output has the result alone.</summary>
internal static class BuildCommand
{
    public static async Task<int> RunAsync(string directory, string? tag, EngineAddress? address, string? certificates, CancellationToken cancellationToken)
    {
        ImageBuildRequest request = new() { ContextPath = Path.GetFullPath(directory), Tags = tag is null ? [] : [tag], NeedsDigest = true };
        EngineConnectOptions options = new() { Tls = certificates is null ? null : new EngineTlsOptions { Directory = Path.GetFullPath(certificates) } };
        await using BuildKitClient client = await BuildKitClient.ConnectAsync(address, options, cancellationToken);
        ImageBuildResult result = await client.BuildAsync(request, new ConsoleLog(), cancellationToken);
        Console.WriteLine($"{"Reference",-36} {"Digest",-72} {"Steps",5} {"Cached",6} {"Time",7} {"Sent",10} Build");
        foreach (string reference in result.References.DefaultIfEmpty("-"))
        {
            string seconds = result.Duration.TotalSeconds.ToString("0.0s", CultureInfo.InvariantCulture);
            Console.WriteLine($"{reference,-36} {result.Digest,-72} {result.StepCount,5} {result.CachedCount,6} {seconds,7} {result.BytesSent,10} {result.Ref}");
        }

        return ExitCodes.Done;
    }

    private sealed class ConsoleLog : IBuildObserver
    {
        private readonly BuildLogWriter _writer = new(Console.Error.WriteLine);

        public void OnEvents(BuildModel model, IReadOnlyList<BuildEvent> events)
        {
            foreach (BuildEvent happened in events)
            {
                _writer.Write(happened);
            }
        }

        public void OnWarning(BuildWarning warning) => Console.Error.WriteLine($"warning: {warning}");
    }
}
