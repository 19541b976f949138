using System.Runtime.InteropServices;
using OpenCloud.Build.Bench.Engines;
using OpenCloud.Build.Bench.Measuring;

namespace OpenCloud.Build.Bench.Clients;

/// <summary>This project's two ways to build and to list: the cmdlet in a warm pwsh, and a process of C#.</summary>
internal static class OwnClients
{
    // The PowerShell of .config/dotnet-tools.json, which 'dotnet' finds from the working directory upwards.
    private static readonly string[] PinnedPowerShell = ["dotnet", "tool", "run", "pwsh", "--"];

    /// <summary>Those that are built here; what is not is said.</summary>
    public static IEnumerable<IBenchClient> Create(
        BenchWay way, string scratch, IReadOnlyList<string> otherModules, Action<string> missing)
    {
        string sample = Path.Join(Programs.Repository, "samples", "BuildImage", "bin", Configuration(), "net10.0", "BuildImage.dll");
        if (File.Exists(sample))
        {
            yield return new ProcessClient(
                "ours",
                $"OpenCloud.Build, a process ({RuntimeInformation.FrameworkDescription}) {way.Title}".TrimEnd(),
                isPeer: false,
                scratch,
                context => new CommandLine(
                    "dotnet", [sample, "build", context, IBenchClient.Image, way.Address, .. way.Certificates is { } certificates ? (string[])[certificates] : []], way.Environment),
                way: way.Name);
        }
        else
        {
            missing("ours: samples/BuildImage is not built");
        }

        if (Warm(way, lists: false, missing) is { } warm)
        {
            yield return warm;
            foreach ((int index, string? manifest) in otherModules.Index())
            {
                yield return warm.With($"{warm.Name}-{index + 2}", Path.GetFullPath(manifest));
            }
        }
    }

    /// <summary>Those that list the images of a containerd.</summary>
    public static IEnumerable<IBenchClient> CreateLists(string socket, string scratch, Action<string> missing)
    {
        yield return new ProcessClient(
            "ours",
            $"OpenCloud.Build, a process ({RuntimeInformation.FrameworkDescription})",
            isPeer: false,
            scratch,
            space => new CommandLine("dotnet", [typeof(OwnClients).Assembly.Location, ImageList.Verb, socket, space]));
        if (Warm(new BenchWay(BenchWay.Socket, "", "unix://" + socket, null, new Dictionary<string, string>()), lists: true, missing) is { } warm)
        {
            yield return warm;
        }
    }

    private static WarmPowerShellClient? Warm(BenchWay way, bool lists, Action<string> missing)
    {
        string manifest = Path.Join(Programs.Repository, "OpenCloud.Build.psd1");
        string binary = Path.Join(Programs.Repository, "bin", "OpenCloud.Build", "OpenCloud.Build.dll");
        if (!File.Exists(manifest) || !File.Exists(binary))
        {
            missing("ours-pwsh: the module is not built");
        }
        else
        {
            string[] pwsh = Programs.Find("pwsh") is { } found ? [found] : PinnedPowerShell;
            string version = new CommandLine(pwsh[0], [.. pwsh[1..], "--version"]).CaptureLine();
            return new WarmPowerShellClient("ours-pwsh", pwsh, $"OpenCloud.Build in a warm pwsh ({version}) {way.Title}".TrimEnd(), manifest, way, lists);
        }

        return null;
    }

    // .../bin/<configuration>/net10.0/
    private static string Configuration() =>
        Path.GetFileName(Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory)))!;
}
