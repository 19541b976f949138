namespace OpenCloud.Build.Client.Vulnerabilities.Osv;

/// <summary>Finds where objects begin and end, without I/O. Bytes of UTF-8 above 127 are never a quote, a brace or a backslash.</summary>
internal sealed class JsonRecordScanner(Func<string, Exception> fail)
{
    private int _depth;
    private bool _isString;
    private bool _isEscaped;
    private bool _inArray;
    private bool _hasEnded;
    private bool _hasBegun;

    /// <summary>Where the object that has not ended yet begins.</summary>
    public int? Start { get; private set; }

    /// <summary>Scans on; true when an object ends, at <paramref name="at"/>.</summary>
    public bool Next(ReadOnlySpan<byte> bytes, ref int at, out int start)
    {
        start = 0;
        while (at < bytes.Length)
        {
            byte b = bytes[at++];
            if (_depth == 0)
            {
                Between(b, at - 1);
                continue;
            }

            if (_isString)
            {
                _isString = _isEscaped || b != '"';
                _isEscaped = !_isEscaped && b == '\\';
                continue;
            }

            switch (b)
            {
                case (byte)'"':
                    _isString = true;
                    break;
                case (byte)'{' or (byte)'[':
                    _depth++;
                    break;
                case (byte)'}' or (byte)']' when --_depth == 0:
                    start = Start!.Value;
                    Start = null;
                    return true;
            }
        }

        return false;
    }

    /// <summary>The bytes before an index are gone.</summary>
    public void Moved(int by) => Start -= by;

    /// <summary>The stream has ended.</summary>
    public void End()
    {
        if (_depth > 0 || (_inArray && !_hasEnded) || !_hasBegun)
        {
            throw fail("it ends within a record, or is empty");
        }
    }

    private void Between(byte b, int at)
    {
        switch (b)
        {
            case (byte)'{' when !_hasEnded:
                Start = at;
                _depth = 1;
                _hasBegun = true;
                break;
            case (byte)'[' when !_hasBegun:
                _inArray = true;
                _hasBegun = true;
                break;
            case (byte)']' when _inArray && !_hasEnded:
                _hasEnded = true;
                break;
            case (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n':
                break;

            // Commas of the array, and the mark of UTF-8.
            case (byte)',' when _inArray && !_hasEnded:
            case 0xEF or 0xBB or 0xBF when !_hasBegun:
                break;
            default:
                throw fail("it does not consist of JSON objects");
        }
    }
}
