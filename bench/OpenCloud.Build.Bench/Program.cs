using System.Globalization;
using System.Runtime.InteropServices;
using OpenCloud.Build.Bench;
using OpenCloud.Build.Bench.Clients;
using OpenCloud.Build.Bench.Engines;
using OpenCloud.Build.Bench.Measuring;

if (args is [ImageList.Verb, var listedSocket, var listedSpace])
{
    await ImageList.WriteAsync(listedSocket, listedSpace);
    return 0;
}

try
{
    BenchOptions options = BenchOptions.Parse(args);
    if (options.Help)
    {
        Console.WriteLine(BenchOptions.Usage);
    }
    else if (options.List)
    {
        foreach (BenchCase benchCase in BenchCase.All)
        {
            Console.WriteLine($"{benchCase.Name,-18} {benchCase.Title}");
        }
    }
    else
    {
        Run(options);
    }

    return 0;
}
catch (BenchException problem)
{
    Console.Error.WriteLine(problem.Message);
    return 1;
}
catch (OperationCanceledException)
{
    Console.Error.WriteLine("Stopped; nothing was written.");
    return 130;
}

static void Run(BenchOptions options)
{
    // Whoever asks this process to end gets the engine ended and the folder removed, too.
    using CancellationTokenSource stop = new();
    using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
    using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
    void Stop(PosixSignalContext signal)
    {
        signal.Cancel = true;
        stop.Cancel();
    }

    using ScratchFolder scratch = new();
    List<string> facts = new();
    List<string> missing = new();
    List<double> loads = new();
    List<IBenchClient> clients = new();
    Dictionary<(BenchCase, IBenchClient), List<Sample>> samples = new();
    DateTime started = DateTime.UtcNow;
    string where = scratch.IsInMemory ? "in memory (tmpfs)" : "on disk";
    if (options.Cases.Where(benchCase => benchCase.Context != ContextKind.Images).ToList() is { Count: > 0 } builds)
    {
        using RemoteWays remote = new(options.Ways, scratch.Path);
        using BenchEngine engine = BenchEngine.Start(options.Engine, options.Buildkitd, scratch.Path, remote.ServerCertificates);
        (List<IBenchClient>? builders, EngineCache? cache, string? engineTitle) = FindClients(options, engine, remote.Open(engine), scratch.Path, missing);
        BenchRunner runner = new(builders, cache, scratch.Path, Console.Error, stop.Token);
        if (options.Hold)
        {
            Hold(builds, runner, builders, stop.Token);
            return;
        }

        foreach (string reason in missing)
        {
            Console.Error.WriteLine("Not measured: " + reason);
        }

        foreach (IGrouping<ContextKind, BenchCase> group in builds.GroupBy(benchCase => benchCase.Context))
        {
            foreach (((BenchCase Case, IBenchClient Client) key, List<Sample>? list) in runner.Measure(group.Key, [.. group], options.RoundsFor(group.Key)))
            {
                samples.Add(key, list);
            }
        }

        clients.AddRange(builders);
        loads.AddRange(runner.Loads);
        facts.Add($"engine: {engineTitle}; the contexts {where}{(engine is OwnBuildkitd ? ", the engine's data too" : "")}");
    }

    if (options.Cases.FirstOrDefault(benchCase => benchCase.Context == ContextKind.Images) is { } images)
    {
        clients.AddRange(ImageBench.Measure(images, options, scratch.Path, facts, missing, loads, samples, stop.Token));
    }

    facts.Insert(0, string.Create(
        CultureInfo.InvariantCulture,
        $"{started:yyyy-MM-dd}, {Machine.Describe()}; load average before each measurement {loads.Min():0.0} to {loads.Max():0.0}"));
    facts.AddRange(missing.Select(reason => "not measured: " + reason));
    if (options.Quick)
    {
        facts.Add("**one round only: no conclusions**");
    }

    string text = new Report(samples, clients).Write(facts);
    Console.Write(text);
    if (options.Out is { } file)
    {
        File.WriteAllText(file, text);
    }
}

static (List<IBenchClient> Clients, EngineCache Cache, string EngineTitle) FindClients(
    BenchOptions options, BenchEngine engine, IReadOnlyList<BenchWay> ways, string scratch, List<string> missing)
{
    List<IBenchClient> clients = new();
    EngineCache? cache = null;
    string title = "unknown";
    if (engine.DockerHost is not null)
    {
        missing.Add("buildctl: it does not speak with a Docker Engine");
    }
    else if (Programs.Find("buildctl") is { } buildctl)
    {
        cache = BuildctlPeer.Cache(buildctl, engine);
        title = BuildctlPeer.EngineVersion(buildctl, engine);
        clients.AddRange(ways.SelectMany(way => options.Buildctls.Select(Path.GetFullPath).Prepend(buildctl).Select((file, index) =>
            BuildctlPeer.Create(index == 0 ? "buildctl" : $"buildctl-{index + 1}", file, way, scratch))));
    }
    else
    {
        missing.Add("buildctl: not on PATH");
    }

    if (!ways.Any(static way => way.IsSocket))
    {
        missing.Add("docker buildx: measured on the engine's socket only");
    }
    else if (BuildxPeer.TryCreate(engine, scratch, out string? reason) is { } buildx)
    {
        clients.Add(buildx.CreateClient(scratch));
        cache ??= buildx.Cache();
        title = engine.DockerHost is null ? title : buildx.EngineVersion();
    }
    else
    {
        missing.Add("docker buildx: " + reason);
    }

    clients.AddRange(ways.SelectMany(way => OwnClients.Create(way, scratch, options.Modules, missing.Add)));
    foreach (string? name in options.Clients.Where(name => clients.All(client => client.Name != name)))
    {
        throw new BenchException(
            $"No client '{name}'; there are: {string.Join(", ", clients.Select(client => client.Name))}.\n{string.Join('\n', missing)}");
    }

    clients.RemoveAll(client => options.Clients.Count > 0 && !options.Clients.Contains(client.Name));
    // Together, those that the ratios of a way are to and for.
    clients = [.. clients.OrderBy(client => BenchWay.All.ToList().IndexOf(client.Way))];
    return clients.Count == 0
        ? throw new BenchException("There is nothing to measure:\n" + string.Join('\n', missing))
        : (clients, cache ?? throw new BenchException("Neither buildctl nor docker buildx is here: nothing can empty the engine's cache."), title);
}

static void Hold(IReadOnlyList<BenchCase> cases, BenchRunner runner, List<IBenchClient> clients, CancellationToken stop)
{
    foreach (ContextKind kind in cases.Select(benchCase => benchCase.Context).Distinct())
    {
        ContextFolder context = runner.Prepare(kind);
        foreach (IBenchClient client in clients)
        {
            Console.WriteLine($"{kind} {client.Name}: {client.Describe(context.Path)}");
        }
    }

    Console.WriteLine("Enter ends the engine.");
    _ = Console.In.ReadLineAsync(stop).AsTask().GetAwaiter().GetResult();
}
