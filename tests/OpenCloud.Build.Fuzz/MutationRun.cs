using System.Diagnostics;

namespace OpenCloud.Build.Fuzz;

/// <summary>Runs one target on its corpus and on mutations of it, and keeps what it finds.</summary>
internal sealed class MutationRun(string name, Action<byte[]> target, int seed)
{
    // Nothing of these sizes may take as long: a bomb.
    private static readonly TimeSpan MostTime = TimeSpan.FromSeconds(5);

    private const int MostBytes = 16 * 1024;
    private const int MostFindings = 20;

    private static readonly byte[][] Interesting =
    [
        [0], [0xFF], [0x7F], [0x80], [0, 0, 0, 0], [0xFF, 0xFF, 0xFF, 0xFF], [0x7F, 0xFF, 0xFF, 0xFF], "\n"u8.ToArray(), "\\"u8.ToArray(), "\""u8.ToArray(), "*"u8.ToArray(),
        "**/"u8.ToArray(), "[^"u8.ToArray(), "{1000}"u8.ToArray(), "../"u8.ToArray(), "${a:-"u8.ToArray(), "\u001b["u8.ToArray(), "{\""u8.ToArray(), "1e99"u8.ToArray(), "null"u8.ToArray(),
        "<<EOF\n"u8.ToArray(), [0xC0, 0x80], [0xED, 0xA0, 0x80],
    ];

    private readonly Random _random = new(seed);
    private readonly HashSet<string> _found = [];

    public long Executions { get; private set; }

    public int Findings { get; private set; }

    public TimeSpan Slowest { get; private set; }

    /// <summary>Runs the corpus, then mutations for a time; false when something was found.</summary>
    public bool Run(TimeSpan time)
    {
        string directory = Path.Combine(AppContext.BaseDirectory, "Corpus", name);
        List<byte[]> inputs = Directory.Exists(directory) ? [.. Directory.GetFiles(directory).Order(StringComparer.Ordinal).Select(File.ReadAllBytes)] : [];
        inputs.Add([]);
        inputs.ForEach(Execute);
        Stopwatch clock = Stopwatch.StartNew();
        while (clock.Elapsed < time && Findings < MostFindings)
        {
            byte[] input = Mutate(inputs[_random.Next(inputs.Count)], inputs);
            Execute(input);

            // What has been tried is a start for more, in the place of an older one that was made here.
            if (_random.Next(64) == 0)
            {
                inputs.Add(input);
                if (inputs.Count > 4096)
                {
                    inputs.RemoveAt(_random.Next(1024, inputs.Count));
                }
            }
        }

        return Findings == 0;
    }

    private void Execute(byte[] input)
    {
        Executions++;
        long begin = Stopwatch.GetTimestamp();
        string? finding = null;
        try
        {
            target(input);
        }
        catch (Exception e)
        {
            finding = e.ToString();
        }

        TimeSpan took = Stopwatch.GetElapsedTime(begin);
        Slowest = took > Slowest ? took : Slowest;
        finding ??= took > MostTime ? $"it took {took}" : null;
        if (finding is null)
        {
            return;
        }

        string path = Path.GetFullPath($"finding-{name}-{Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(input).AsSpan(0, 6))}");
        if (_found.Add(path))
        {
            Findings++;
            File.WriteAllBytes(path, input);
            Console.Error.WriteLine($"{name}: {path}\n{finding}");
        }
    }

    private byte[] Mutate(byte[] input, List<byte[]> inputs)
    {
        List<byte> bytes = [.. input];
        for (int times = 1 << _random.Next(5); times > 0; times--)
        {
            int at = _random.Next(bytes.Count + 1);
            int length = Math.Min(1 + _random.Next(16), bytes.Count - at);
            switch (_random.Next(7))
            {
                case 0 when at < bytes.Count:
                    bytes[at] ^= (byte)(1 << _random.Next(8));
                    break;
                case 1 when at < bytes.Count:
                    bytes[at] = (byte)_random.Next(256);
                    break;
                case 2:
                    bytes.RemoveRange(at, length);
                    break;
                case 3:
                    bytes.InsertRange(at, Interesting[_random.Next(Interesting.Length)]);
                    break;
                case 4:
                    // Again and again: bombs are made of repetition.
                    List<byte> part = bytes.GetRange(at, length);
                    for (int i = 1 << _random.Next(8); i > 0 && bytes.Count < MostBytes; i--)
                    {
                        bytes.InsertRange(at, part);
                    }

                    break;
                case 5:
                    byte[] other = inputs[_random.Next(inputs.Count)];
                    int from = _random.Next(other.Length + 1);
                    bytes.InsertRange(at, other.AsSpan(from, Math.Min(_random.Next(256), other.Length - from)).ToArray());
                    break;
                default:
                    bytes.Insert(at, (byte)_random.Next(256));
                    break;
            }
        }

        return bytes.Count > MostBytes ? [.. bytes.Take(MostBytes)] : [.. bytes];
    }
}
