using OpenCloud.Build.Engine.Tests.Fixture;

namespace OpenCloud.Build.Engine.Tests.Field;

/// <summary>buildctl, which has to come to the same files, or to fail as well.</summary>
internal sealed class FieldPeer(string program)
{
    /// <summary>The buildctl on PATH, or null.</summary>
    public static FieldPeer? Find() =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Select(static folder => Path.Combine(folder, "buildctl")).FirstOrDefault(File.Exists) is { } found ? new FieldPeer(found) : null;

    public async Task CheckAsync(RunningEngine engine, FieldBuild build, ContextFolder context, string destination, CancellationToken cancellationToken)
    {
        string folder = Path.Combine(context.Path, build.Folder);
        List<string> arguments =
        [
            "--addr", engine.Address, "build", "--progress", "plain", "--frontend", "dockerfile.v0",
            "--local", $"context={folder}", "--local", $"dockerfile={folder}",
            "--output", build.Push ? $"type=image,\"name={string.Join(',', build.Tags)}\",push=true" : $"type=local,dest={destination}",
        ];
        foreach (string cache in build.CacheTo)
        {
            arguments.AddRange(["--export-cache", cache]);
        }

        foreach ((string type, IReadOnlyDictionary<string, string> attributes) in build.Attest)
        {
            arguments.AddRange(["--opt", $"attest:{type}={string.Join(',', attributes.Select(static a => $"{a.Key}={a.Value}"))}"]);
        }

        foreach ((string name, string value) in build.Arguments)
        {
            arguments.AddRange(["--opt", $"build-arg:{name}={value}"]);
        }

        foreach ((string name, string value) in build.Named)
        {
            string path = value.Replace("$CONTEXT", context.Path, StringComparison.Ordinal);
            arguments.AddRange(path.StartsWith('/') ? ["--local", $"{name}={path}", "--opt", $"context:{name}=local:{name}"] : ["--opt", $"context:{name}={path}"]);
        }

        if (build.Hosts.Count > 0)
        {
            arguments.AddRange(["--opt", "add-hosts=" + string.Join(',', build.Hosts.Select(static h => string.Join('=', h.Split(':', 2))))]);
        }

        if (build.Platforms.Count > 0)
        {
            arguments.AddRange(["--opt", "platform=" + string.Join(',', build.Platforms)]);
        }

        CommandResult result = await Command.RunAsync(program, arguments, cancellationToken: cancellationToken);
        if (build.Fails is not null)
        {
            Assert.NotEqual(0, result.ExitCode);
            return;
        }

        result.Succeeded();
        FieldTests.CheckResult(build.Gives ?? new FieldResult(), destination);
    }
}
