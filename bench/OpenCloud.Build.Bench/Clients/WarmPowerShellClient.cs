using System.Diagnostics;
using System.Text.Json;
using OpenCloud.Build.Bench.Engines;
using OpenCloud.Build.Bench.Measuring;

namespace OpenCloud.Build.Bench.Clients;

/// <summary>The cmdlet in a pwsh that has the module imported and has built (or listed) before: what a person at a prompt has.</summary>
/// <remarks>
/// warm-session.ps1 runs in that pwsh and measures there: CPU of the whole process over the build, and its largest resident set,
/// which the kernel counts anew from before the build on.
/// </remarks>
internal sealed class WarmPowerShellClient(
    string name, string[] pwsh, string title, string manifest, BenchWay way, bool lists) : IBenchClient
{
    private Process? _session;
    private long _idleBytes;

    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public string Way => way.Name;

    /// <inheritdoc/>
    public string Title => title;

    /// <inheritdoc/>
    public bool IsPeer => false;

    /// <inheritdoc/>
    public bool BuildsGraphs => !lists;

    /// <inheritdoc/>
    public string Describe(string context) => lists ? $"Get-ContainerImage -Namespace {context} -Address {way.Address}"
        : ContextFolder.IsGraph(context) ? $"Get-BuildDefinition {context} -Force | Invoke-ImageBuild -ThrottleLimit 21 -Address {way.Address}"
        : $"Invoke-ImageBuild -LiteralPath {context} -Tag {IBenchClient.Image} -Address {way.Address}";

    /// <summary>The same measurement with another build of the module.</summary>
    public WarmPowerShellClient With(string otherName, string otherManifest) =>
        new(otherName, pwsh, $"{title}, {otherManifest}", otherManifest, way, lists);

    /// <inheritdoc/>
    public void Begin(string warmUpContext)
    {
        Dispose();
        ProcessStartInfo start = new(
            pwsh[0],
            [
                .. pwsh[1..], "-NoLogo", "-NoProfile", "-NonInteractive", "-File", Path.Join(AppContext.BaseDirectory, "warm-session.ps1"),
                manifest, way.Address, lists ? "" : IBenchClient.Image, way.Certificates ?? "",
            ])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        foreach ((string variable, string value) in way.Environment)
        {
            start.Environment[variable] = value;
        }

        _session = Process.Start(start) ?? throw new BenchException($"'{pwsh[0]}' did not start.");
        // The second build of a session is the first one that compiles nothing.
        _ = Ask(warmUpContext);
        _ = Ask(warmUpContext);
        _idleBytes = Ask("").PeakBytes;
    }

    /// <inheritdoc/>
    public Sample Build(string context)
    {
        Sample sample = Ask(context);
        return sample with { AddedBytes = sample.PeakBytes - _idleBytes };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_session is { } session)
        {
            _session = null;
            session.StandardInput.Close();
            session.WaitForExit();
            session.Dispose();
        }
    }

    private Sample Ask(string context)
    {
        Process session = _session ?? throw new InvalidOperationException("Begin was not called.");
        using Timer limit = new(_ => session.Kill(), null, MeasuredProcess.Limit, Timeout.InfiniteTimeSpan);
        session.StandardInput.WriteLine(context);
        session.StandardInput.Flush();
        while (session.StandardOutput.ReadLine() is { } line)
        {
            // What else the session writes (progress, warnings) is for a person.
            if (!line.StartsWith("{\"bench\"", StringComparison.Ordinal))
            {
                continue;
            }

            using JsonDocument answer = JsonDocument.Parse(line);
            JsonElement root = answer.RootElement;
            return root.TryGetProperty("error", out JsonElement error)
                ? throw new BenchException($"{Describe(context)}: {error.GetString()}")
                : new Sample(
                    TimeSpan.FromMilliseconds(root.GetProperty("wall").GetDouble()),
                    TimeSpan.FromMilliseconds(root.GetProperty("cpu").GetDouble()),
                    root.GetProperty("peak").GetInt64());
        }

        throw new BenchException($"{Describe(context)}: pwsh ended, or was ended after {MeasuredProcess.Limit.TotalMinutes} minutes, before it had answered.");
    }
}
