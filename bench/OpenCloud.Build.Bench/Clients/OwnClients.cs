using System.Runtime.InteropServices;
using OpenCloud.Build.Bench.Engines;
using OpenCloud.Build.Bench.Measuring;

namespace OpenCloud.Build.Bench.Clients;

/// <summary>This project's two ways to build and to list: the cmdlet in a warm pwsh, and a process of C#.</summary>
internal static class OwnClients
{
    /// <summary>Those that are built here; what is not is said.</summary>
    public static IEnumerable<IBenchClient> Create(BenchEngine engine, string scratch, Action<string> missing)
    {
        var sample = Path.Join(Programs.Repository, "samples", "BuildImage", "bin", Configuration(), "net10.0", "BuildImage.dll");
        if (File.Exists(sample))
        {
            yield return new ProcessClient(
                "ours",
                $"OpenCloud.Build, a process ({RuntimeInformation.FrameworkDescription})",
                isPeer: false,
                scratch,
                context => new CommandLine("dotnet", [sample, context, IBenchClient.Image, engine.Address]));
        }
        else
        {
            missing("ours: samples/BuildImage is not built");
        }

        if (Warm(engine.Address, lists: false, missing) is { } warm)
        {
            yield return warm;
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
        if (Warm("unix://" + socket, lists: true, missing) is { } warm)
        {
            yield return warm;
        }
    }

    private static WarmPowerShellClient? Warm(string address, bool lists, Action<string> missing)
    {
        var manifest = Path.Join(Programs.Repository, "OpenCloud.Build.psd1");
        var binary = Path.Join(Programs.Repository, "bin", "OpenCloud.Build", "OpenCloud.Build.dll");
        if (Programs.Find("pwsh") is not { } pwsh)
        {
            missing("ours-pwsh: no pwsh on PATH");
        }
        else if (!File.Exists(manifest) || !File.Exists(binary))
        {
            missing("ours-pwsh: the module is not built");
        }
        else
        {
            var version = new CommandLine(pwsh, ["--version"]).CaptureLine();
            return new WarmPowerShellClient(pwsh, $"OpenCloud.Build in a warm pwsh ({version})", manifest, address, lists);
        }

        return null;
    }

    // .../bin/<configuration>/net10.0/
    private static string Configuration() =>
        Path.GetFileName(Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory)))!;
}
