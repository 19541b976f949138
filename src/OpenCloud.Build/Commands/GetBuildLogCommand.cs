using System.Globalization;
using System.Management.Automation;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Client.Progress;
using OpenCloud.Build.Client.Records;
using OpenCloud.Build.Commands.Base;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Commands;

/// <summary>Gets the log of a build.</summary>
[Cmdlet(VerbsCommon.Get, "BuildLog")]
[OutputType(typeof(BuildLogLine), typeof(byte[]))]
public sealed class GetBuildLogCommand : BuildHistoryCmdlet
{
    /// <summary>The ids of builds.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(BuildRefCompleter))]
    [TextTransform("Ref")]
    public string[] Ref { get; set; } = [];

    /// <summary>The steps.</summary>
    [Parameter]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(NoCompleter))]
    public string[]? Step { get; set; }

    /// <summary>The number of lines at the end.</summary>
    [Parameter]
    [Alias("Last")]
    [ValidateRange(0, int.MaxValue)]
    [ArgumentCompleter(typeof(NoCompleter))]
    public int Tail { get; set; } = int.MaxValue;

    /// <summary>Follows a running build.</summary>
    [Parameter]
    [Alias("Follow")]
    public SwitchParameter Wait { get; set; }

    /// <summary>Returns the raw bytes that steps wrote.</summary>
    [Parameter]
    public SwitchParameter Raw { get; set; }

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        if (Raw && MyInvocation.BoundParameters.ContainsKey(nameof(Tail)))
        {
            ThrowError(ErrorCatalog.ParameterConflict, null, null, nameof(Raw), nameof(Tail));
        }
    }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (string reference in Ref)
        {
            OnEngine(reference, async (engine, poster, cancellationToken) =>
            {
                BuildHistory history = engine.History;
                foreach (BuildRecord record in await FindAllAsync(history, reference, cancellationToken).ConfigureAwait(false))
                {
                    await WriteAsync(history, record, poster, cancellationToken).ConfigureAwait(false);
                }
            });
        }
    }

    private async Task WriteAsync(BuildHistory history, BuildRecord record, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        StepFilter? filter = Step is null ? null : new StepFilter(Step);
        Queue<BuildLogLine> tail = new();
        bool isTail = Tail < int.MaxValue;
        bool follow = Wait || record.Status != BuildRecordStatus.Running;
        BuildLogWriter writer = new(record.Ref);

        void Flush()
        {
            isTail = false;
            while (tail.TryDequeue(out BuildLogLine? line))
            {
                poster.Output(line);
            }
        }

        await foreach (BuildEvent happened in history.ReadLogAsync(record.Ref, follow, Raw, record.Status == BuildRecordStatus.Running ? Flush : null, cancellationToken).ConfigureAwait(false))
        {
            // Read in any case: the first event of a step names it.
            IReadOnlyList<BuildLogLine> lines = Raw ? [] : writer.Read(happened);
            if (filter?.Matches(happened.Step) == false)
            {
                continue;
            }

            if (happened is StepWrote piece)
            {
                poster.Output(piece.Bytes.ToArray());
            }

            foreach (BuildLogLine line in lines)
            {
                tail.Enqueue(line);
                if (!isTail)
                {
                    Flush();
                }
                else if (tail.Count > Tail)
                {
                    tail.Dequeue();
                }
            }
        }

        Flush();
        foreach (string missing in filter?.Missing ?? [])
        {
            poster.Error(ErrorCatalog.StepNotFound.ToRecord(missing, null, record.Ref, missing));
        }
    }

    /// <summary>Steps by number or by name.</summary>
    private sealed class StepFilter(string[] wanted)
    {
        private readonly List<Wanted> _wanted = [.. wanted.Select(static text => new Wanted(text))];

        /// <summary>The numbers and full names that matched no step.</summary>
        public IEnumerable<string> Missing => _wanted.Where(static w => !w.Found && !WildcardPattern.ContainsWildcardCharacters(w.Text)).Select(static w => w.Text);

        public bool Matches(BuildStep step)
        {
            bool matches = false;
            foreach (Wanted one in _wanted)
            {
                if (one.Matches(step))
                {
                    one.Found = true;
                    matches = true;
                }
            }

            return matches;
        }

        private sealed class Wanted(string text)
        {
            private readonly int? _number = int.TryParse(text.TrimStart('#'), NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : null;
            private readonly WildcardPattern _pattern = new(text, WildcardOptions.IgnoreCase);

            public string Text => text;

            public bool Found { get; set; }

            // The brackets of a name such as '[build 2/3] RUN make' are wildcards, too.
            public bool Matches(BuildStep step) => _number is { } number
                ? step.Number == number
                : step.Name.Equals(text, StringComparison.OrdinalIgnoreCase) || _pattern.IsMatch(step.Name);
        }
    }
}
