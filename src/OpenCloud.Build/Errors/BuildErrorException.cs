using System.Management.Automation;

namespace OpenCloud.Build.Errors;

/// <summary>An error of this module: the exception of its error records.</summary>
public sealed class BuildErrorException : Exception, IContainsErrorRecord
{
    private readonly ErrorEntry _entry;
    private readonly object? _target;

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

    /// <summary>What PowerShell makes its record from when the exception is thrown instead of written.</summary>
    // The exception in it must not be this one: whoever walks an error would never come to an end.
    ErrorRecord IContainsErrorRecord.ErrorRecord => ToRecord(new ParentContainsErrorRecordException(this));

    /// <summary>Makes the record that a cmdlet writes.</summary>
    internal ErrorRecord ToRecord() => ToRecord(this);

    private ErrorRecord ToRecord(Exception exception) => new(exception, _entry.Id, _entry.Category, _target)
    {
        ErrorDetails = new ErrorDetails(Message) { RecommendedAction = RecommendedAction },
    };
}
