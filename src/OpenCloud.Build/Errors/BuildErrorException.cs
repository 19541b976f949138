using System.Management.Automation;

namespace OpenCloud.Build.Errors;

/// <summary>An error of this module: the exception of its error records.</summary>
public sealed class BuildErrorException : Exception, IContainsErrorRecord
{
    private readonly ErrorEntry _entry;
    private readonly object? _target;
    private ErrorRecord? _record;

    internal BuildErrorException(ErrorEntry entry, object? target, string message, string action, Exception? cause)
        : base(message, cause)
    {
        _entry = entry;
        _target = target;
        RecommendedAction = action;
    }

    /// <summary>The stable id of the error; docs/errors.md lists them.</summary>
    public string ErrorId => _entry.Id;

    /// <summary>What to do about it.</summary>
    public string RecommendedAction { get; }

    /// <summary>The record that a cmdlet writes or throws.</summary>
    public ErrorRecord ErrorRecord => _record ??= ToRecord();

    internal ErrorRecord ToRecord()
    {
        ErrorRecord record = new(this, _entry.Id, _entry.Category, _target)
        {
            ErrorDetails = new ErrorDetails(Message) { RecommendedAction = RecommendedAction },
        };
        return _record = record;
    }
}
