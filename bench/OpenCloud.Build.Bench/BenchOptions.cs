using System.Globalization;
using OpenCloud.Build.Bench.Engines;

namespace OpenCloud.Build.Bench;

/// <summary>What the command line asks for.</summary>
internal sealed record BenchOptions
{
    /// <summary>Said for <c>--help</c> and after a mistake.</summary>
    public const string Usage =
        """
        dotnet run -c Release --project bench/OpenCloud.Build.Bench -- [options]
          --engine ADDRESS    build on this engine; ITS BUILD CACHE IS EMPTIED, again and again
          --out FILE          write the results there (without it they are only shown)
          --quick             one round: does everything work? Not for conclusions
          --case NAME         only this case; may be repeated
          --client NAME       only this client (buildctl, buildx, ctr, nerdctl, ours, ours-pwsh); may be repeated
          --way NAME          reach the engine on this way (socket, tls, ssh, container); may be repeated (default: socket)
          --rounds N          how often each case is measured (default 5; 3 for 1 GiB; three times as often for the tiny one)
          --buildctl FILE     measure this buildctl, too; may be repeated
          --module MANIFEST   measure this build of the module, too (ours-pwsh-2, ...); may be repeated
          --buildkitd FILE    start this buildkitd rather than the one found
          --hold              prepare engine and contexts, say how each client is run, and wait for Enter: for a profiler
          --list              the cases there are
        """;

    /// <summary>The engine's address, when given.</summary>
    public string? Engine { get; private set; }

    /// <summary>The file for the results.</summary>
    public string? Out { get; private set; }

    /// <summary>One round only?</summary>
    public bool Quick { get; private set; }

    /// <summary>The rounds, when given.</summary>
    public int? Rounds { get; private set; }

    /// <summary>The daemon to start, when given.</summary>
    public string? Buildkitd { get; private set; }

    /// <summary>Wait for a profiler rather than measure?</summary>
    public bool Hold { get; private set; }

    /// <summary>Only name the cases?</summary>
    public bool List { get; private set; }

    /// <summary>Only say how it is used?</summary>
    public bool Help { get; private set; }

    /// <summary>The cases to measure.</summary>
    public IReadOnlyList<BenchCase> Cases { get; private set; } = BenchCase.All;

    /// <summary>The clients to measure; empty for all.</summary>
    public IReadOnlyList<string> Clients { get; private set; } = [];

    /// <summary>The ways to the engine.</summary>
    public IReadOnlyList<string> Ways { get; private set; } = [];

    /// <summary>More buildctls to measure.</summary>
    public IReadOnlyList<string> Buildctls { get; private set; } = [];

    /// <summary>Manifests of more builds of the module to measure.</summary>
    public IReadOnlyList<string> Modules { get; private set; } = [];

    /// <exception cref="BenchException">An option is unknown or lacks its value.</exception>
    public static BenchOptions Parse(string[] arguments)
    {
        BenchOptions options = new();
        Queue<string> rest = new(arguments);
        while (rest.TryDequeue(out string? option))
        {
            string Value() => rest.TryDequeue(out string? value) ? value : throw new BenchException($"{option} needs a value.\n{Usage}");
            switch (option)
            {
                case "--engine":
                    options.Engine = Value();
                    break;
                case "--out":
                    options.Out = Value();
                    break;
                case "--quick":
                    options.Quick = true;
                    break;
                case "--rounds":
                    options.Rounds = int.TryParse(Value(), CultureInfo.InvariantCulture, out int rounds) && rounds > 0
                        ? rounds
                        : throw new BenchException("--rounds needs a number above 0.");
                    break;
                case "--buildkitd":
                    options.Buildkitd = Value();
                    break;
                case "--buildctl":
                    options.Buildctls = [.. options.Buildctls, Value()];
                    break;
                case "--module":
                    options.Modules = [.. options.Modules, Value()];
                    break;
                case "--client":
                    options.Clients = [.. options.Clients, Value()];
                    break;
                case "--way":
                    string way = Value();
                    options.Ways = BenchWay.All.Contains(way) ? [.. options.Ways, way] : throw new BenchException($"No way '{way}'; there are: {string.Join(", ", BenchWay.All)}.");
                    break;
                case "--case":
                    string name = Value();
                    BenchCase found = BenchCase.All.FirstOrDefault(candidate => candidate.Name == name)
                        ?? throw new BenchException($"No case '{name}'; there are: {string.Join(", ", BenchCase.All.Select(c => c.Name))}.");
                    options.Cases = ReferenceEquals(options.Cases, BenchCase.All) ? [found] : [.. options.Cases, found];
                    break;
                case "--hold":
                    options.Hold = true;
                    break;
                case "--list":
                    options.List = true;
                    break;
                case "--help" or "-h":
                    options.Help = true;
                    break;
                default:
                    throw new BenchException($"No option '{option}'.\n{Usage}");
            }
        }

        options.Ways = options.Ways.Count == 0 ? [BenchWay.Socket] : options.Ways;
        return options;
    }

    /// <summary>How often a context's cases are measured.</summary>
    public int RoundsFor(ContextKind context) => (Quick, Rounds, context) switch
    {
        (true, _, _) => 1,
        (_, { } given, _) => given,
        (_, _, ContextKind.Tiny) => 15,
        (_, _, ContextKind.ManyFiles or ContextKind.Graph or ContextKind.Images) => 5,
        _ => 3,
    };
}
