using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Progress;
using OpenCloud.Build.Client.Records;
using OpenCloud.Build.Client.Text;

namespace BuildImage;

/// <summary>The builds that an engine keeps in its history, running ones and those of other clients included.</summary>
internal static class HistoryCommands
{
    public static async Task<int> ListAsync(EngineAddress? address, CancellationToken cancellationToken)
    {
        await using BuildKitClient client = await BuildKitClient.ConnectAsync(address, cancellationToken: cancellationToken);
        Console.WriteLine($"{"Build",-32} {"Status",-10} {"Started",-20} {"Steps",8} Subject");
        foreach (BuildRecord build in await client.History.ListAsync(null, activeOnly: false, cancellationToken))
        {
            Console.WriteLine($"{build.Ref,-32} {build.Status,-10} {build.Started,-20:u} {$"{build.CompletedCount}/{build.StepCount}",8} {build.Subject}");
        }

        return ExitCodes.Done;
    }

    /// <summary>Writes the log of a build from its beginning, and of a running build to its end.</summary>
    /// <returns>Whether the build succeeded, as an exit code.</returns>
    public static async Task<int> FollowAsync(string reference, EngineAddress? address, CancellationToken cancellationToken)
    {
        await using BuildKitClient client = await BuildKitClient.ConnectAsync(address, cancellationToken: cancellationToken);
        if (await client.History.FindAsync(reference, cancellationToken) is not { } build)
        {
            Console.Error.WriteLine($"{client.Address} has no build '{TerminalText.Name(reference)}', or more than one whose id begins so.");
            return ExitCodes.Failed;
        }

        BuildLogWriter writer = new(Console.WriteLine);
        await foreach (BuildEvent happened in client.History.ReadLogAsync(build.Ref, follow: true, raw: false, null, cancellationToken))
        {
            writer.Write(happened);
        }

        BuildRecord ended = await EndOfAsync(client, build, cancellationToken);
        Console.Error.WriteLine(ended.Error is null ? $"{ended.Status}" : $"{ended.Status}: {ended.Error}");
        return ended.Status == BuildRecordStatus.Completed ? ExitCodes.Done : ExitCodes.Failed;
    }

    // An engine ends the log of a build shortly before it records the result.
    private static async Task<BuildRecord> EndOfAsync(BuildKitClient client, BuildRecord build, CancellationToken cancellationToken)
    {
        BuildRecord ended = build;
        for (int i = 0; i < 100; i++)
        {
            ended = await client.History.FindAsync(build.Ref, cancellationToken) ?? ended;
            if (ended.Status != BuildRecordStatus.Running)
            {
                break;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100), cancellationToken);
        }

        return ended;
    }
}
