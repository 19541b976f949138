using System.Globalization;
using OpenCloud.Build.Bench;
using OpenCloud.Build.Bench.Clients;
using OpenCloud.Build.Bench.Engines;
using OpenCloud.Build.Bench.Measuring;

try
{
    var options = BenchOptions.Parse(args);
    if (options.Help)
    {
        Console.WriteLine(BenchOptions.Usage);
    }
    else if (options.List)
    {
        foreach (var benchCase in BenchCase.All)
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

static void Run(BenchOptions options)
{
    using var scratch = new ScratchFolder();
    using var engine = BenchEngine.Start(options.Engine, options.Buildkitd, scratch.Path);
    var facts = new List<string>();
    var missing = new List<string>();
    var (clients, cache, engineTitle) = FindClients(options, engine, scratch.Path, missing);
    var runner = new BenchRunner(clients, cache, scratch.Path, Console.Error);
    if (options.Hold)
    {
        Hold(options, runner, clients);
        return;
    }

    foreach (var reason in missing)
    {
        Console.Error.WriteLine("Not measured: " + reason);
    }

    var started = DateTime.UtcNow;
    var samples = new Dictionary<(BenchCase, IBenchClient), List<Sample>>();
    foreach (var group in options.Cases.GroupBy(benchCase => benchCase.Context))
    {
        foreach (var (key, list) in runner.Measure(group.Key, [.. group], options.RoundsFor(group.Key)))
        {
            samples.Add(key, list);
        }
    }

    facts.Add(string.Create(
        CultureInfo.InvariantCulture,
        $"{started:yyyy-MM-dd}, {Machine.Describe()}; load average before each build {runner.Loads.Min():0.0} to {runner.Loads.Max():0.0}"));
    var where = scratch.IsInMemory ? "in memory (tmpfs)" : "on disk";
    facts.Add($"engine: {engineTitle}; the contexts {where}{(engine is OwnBuildkitd ? ", the engine's data too" : "")}");
    facts.AddRange(missing.Select(reason => "not measured: " + reason));
    if (options.Quick)
    {
        facts.Add("**one round only: no conclusions**");
    }

    var text = new Report(samples, clients).Write(facts);
    Console.Write(text);
    if (options.Out is { } file)
    {
        File.WriteAllText(file, text);
    }
}

static (List<IBenchClient> Clients, EngineCache Cache, string EngineTitle) FindClients(
    BenchOptions options, BenchEngine engine, string scratch, List<string> missing)
{
    var clients = new List<IBenchClient>();
    EngineCache? cache = null;
    var title = "unknown";
    if (engine.DockerHost is not null)
    {
        missing.Add("buildctl: it does not speak with a Docker Engine");
    }
    else if (Programs.Find("buildctl") is { } buildctl)
    {
        clients.Add(BuildctlPeer.Create("buildctl", buildctl, engine, scratch));
        cache = BuildctlPeer.Cache(buildctl, engine);
        title = BuildctlPeer.EngineVersion(buildctl, engine);
        clients.AddRange(options.Buildctls.Select((file, index) =>
            BuildctlPeer.Create($"buildctl-{index + 2}", Path.GetFullPath(file), engine, scratch)));
    }
    else
    {
        missing.Add("buildctl: not on PATH");
    }

    if (BuildxPeer.TryCreate(engine, scratch, out var reason) is { } buildx)
    {
        clients.Add(buildx.CreateClient(scratch));
        cache ??= buildx.Cache();
        title = engine.DockerHost is null ? title : buildx.EngineVersion();
    }
    else
    {
        missing.Add("docker buildx: " + reason);
    }

    clients.AddRange(OwnClients.Create(engine, scratch, missing.Add));
    foreach (var name in options.Clients.Where(name => clients.All(client => client.Name != name)))
    {
        throw new BenchException(
            $"No client '{name}'; there are: {string.Join(", ", clients.Select(client => client.Name))}.\n{string.Join('\n', missing)}");
    }

    clients.RemoveAll(client => options.Clients.Count > 0 && !options.Clients.Contains(client.Name));
    return clients.Count == 0
        ? throw new BenchException("There is nothing to measure:\n" + string.Join('\n', missing))
        : (clients, cache ?? throw new BenchException("Neither buildctl nor docker buildx is here: nothing can empty the engine's cache."), title);
}

static void Hold(BenchOptions options, BenchRunner runner, List<IBenchClient> clients)
{
    foreach (var kind in options.Cases.Select(benchCase => benchCase.Context).Distinct())
    {
        var context = runner.Prepare(kind);
        foreach (var client in clients)
        {
            Console.WriteLine($"{kind} {client.Name}: {client.Describe(context.Path)}");
        }
    }

    Console.WriteLine("Enter ends the engine.");
    _ = Console.ReadLine();
}
