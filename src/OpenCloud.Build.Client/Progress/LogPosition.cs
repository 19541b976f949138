using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Wire;

namespace OpenCloud.Build.Client.Progress;

/// <summary>
/// How much of a step's output has been taken in. A daemon that is asked for a build's status again tells it from the beginning
/// (moby/buildkit, util/progress/multireader.go); one that goes on where it was is understood as well.
/// </summary>
internal sealed class LogPosition
{
    private long _taken;
    private long _repeatable;
    private long _seen;
    private DateTimeOffset _last = DateTimeOffset.MinValue;

    /// <summary>The status was asked for again.</summary>
    public void Resume()
    {
        _repeatable = _taken;
        _seen = 0;
    }

    /// <summary>Whether a message has not been taken in before. One that is new has been taken in with the call.</summary>
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
