using System.Runtime.InteropServices;
using BuildImage;
using Grpc.Core;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Images.Docker;
using OpenCloud.Build.Client.Records;
using OpenCloud.Build.Client.Text;

// The client library without PowerShell: builds, lists images and builds, follows a build. Ctrl+C and SIGTERM cancel.
using CancellationTokenSource stop = new();
using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Cancel);
using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Cancel);
try
{
    return args switch
    {
        ["build", var directory] => await BuildCommand.RunAsync(directory, null, null, null, stop.Token),
        ["build", var directory, var tag] => await BuildCommand.RunAsync(directory, tag, null, null, stop.Token),
        ["build", var directory, var tag, var address] => await BuildCommand.RunAsync(directory, tag, EngineAddress.Parse(address), null, stop.Token),
        ["build", var directory, var tag, var address, var certificates] => await BuildCommand.RunAsync(directory, tag, EngineAddress.Parse(address), certificates, stop.Token),
        ["images"] => await ImagesCommand.RunAsync(null, stop.Token),
        ["images", var address] => await ImagesCommand.RunAsync(EngineAddress.Parse(address), stop.Token),
        ["builds"] => await HistoryCommands.ListAsync(null, stop.Token),
        ["builds", var address] => await HistoryCommands.ListAsync(EngineAddress.Parse(address), stop.Token),
        ["follow", var build] => await HistoryCommands.FollowAsync(build, null, stop.Token),
        ["follow", var build, var address] => await HistoryCommands.FollowAsync(build, EngineAddress.Parse(address), stop.Token),
        _ => Usage(),
    };
}
catch (OperationCanceledException) when (stop.IsCancellationRequested)
{
    Console.Error.WriteLine("cancelled");
    return ExitCodes.Cancelled;
}
catch (Exception e) when (e is EngineConnectException or ImageBuildException or NoBuildHistoryException or RpcException
    or DockerEngineException or HttpRequestException or FormatException or IOException)
{
    Console.Error.WriteLine(TerminalText.Plain(e is RpcException call ? call.Status.Detail : e.Message));
    if (e is ImageBuildException { Hint: { } hint })
    {
        Console.Error.WriteLine(TerminalText.Plain(hint));
    }

    foreach (SourceLine line in (e as ImageBuildException)?.SourceLines ?? [])
    {
        Console.Error.WriteLine($"{(line.IsCause ? ">" : " ")} {line.Number,4} | {TerminalText.Line(line.Text)}");
    }

    return ExitCodes.Failed;
}

void Cancel(PosixSignalContext signal)
{
    signal.Cancel = true;
    stop.Cancel();
}

static int Usage()
{
    Console.Error.WriteLine("""
        usage: BuildImage build DIRECTORY [TAG [ADDRESS [CERTIFICATES]]]
               BuildImage images [ADDRESS]
               BuildImage builds [ADDRESS]
               BuildImage follow BUILD [ADDRESS]
        """);
    return ExitCodes.Usage;
}
