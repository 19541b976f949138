using System.Globalization;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Progress;

// Builds an image with the client library alone, without PowerShell:
//   BuildImage <context directory> <tag> [address]
if (args.Length is < 2 or > 3)
{
    Console.Error.WriteLine("usage: BuildImage <context directory> <tag> [address]");
    return 2;
}

using CancellationTokenSource stop = new();
Console.CancelKeyPress += (_, e) =>
{
    e.Cancel = true;
    stop.Cancel();
};

try
{
    EngineAddress? address = args.Length == 3 ? EngineAddress.Parse(args[2]) : null;
    await using BuildKitClient client = await BuildKitClient.ConnectAsync(address, cancellationToken: stop.Token);
    ImageBuildRequest request = new() { ContextPath = Path.GetFullPath(args[0]), Tags = [args[1]] };
    ImageBuildResult result = await client.BuildAsync(request, new ConsoleLog(), stop.Token);
    Console.WriteLine();
    Console.WriteLine($"{"Reference",-36} {"Digest",-72} {"Steps",5} {"Cached",6} {"Time",7} {"Sent",10}");
    foreach (string reference in result.References)
    {
        string seconds = result.Duration.TotalSeconds.ToString("0.0s", CultureInfo.InvariantCulture);
        Console.WriteLine($"{reference,-36} {result.Digest,-72} {result.StepCount,5} {result.CachedCount,6} {seconds,7} {result.BytesSent,10}");
    }

    return 0;
}
catch (OperationCanceledException) when (stop.IsCancellationRequested)
{
    Console.Error.WriteLine("cancelled");
    return 130;
}
catch (ImageBuildException e)
{
    Console.Error.WriteLine(e.Message);
    foreach (SourceLine line in e.SourceLines)
    {
        Console.Error.WriteLine($"{(line.IsCause ? ">" : " ")} {line.Number,4} | {line.Text}");
    }

    return 1;
}
catch (Exception e) when (e is EngineConnectException or FormatException or IOException)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}

/// <summary>Writes the build's full log to standard error, so that standard output has the result alone.</summary>
internal sealed class ConsoleLog : IBuildObserver
{
    private readonly BuildLogWriter _writer = new(Console.Error.WriteLine);

    public void OnEvents(BuildModel model, IReadOnlyList<BuildEvent> events)
    {
        foreach (BuildEvent happened in events)
        {
            _writer.Write(happened);
        }
    }
}
