using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Wire;

namespace OpenCloud.Build.Client.Progress;

/// <summary>
/// The position up to which a step's output has been read. A daemon whose Status is requested again repeats it from the beginning
/// (moby/buildkit, util/progress/multireader.go); a daemon that continues instead is also handled.
/// </summary>
internal sealed class LogPosition
{
    private long _taken;
    private long _repeatable;
    private long _seen;
    private DateTimeOffset _last = DateTimeOffset.MinValue;

    /// <summary>Call when Status is requested again.</summary>
    public void Resume()
    {
        _repeatable = _taken;
        _seen = 0;
    }

    /// <summary>Whether a message is new. The call counts a new message as read.</summary>
    public bool IsNew(VertexLog log)
    {
        DateTimeOffset at = log.Timestamp.ToTime() ?? DateTimeOffset.MinValue;
        if (_seen < _repeatable && at <= _last)
        {
            _seen++;
            return false;
        }

        _taken++;
        _last = at > _last ? at : _last;
        return true;
    }
}
