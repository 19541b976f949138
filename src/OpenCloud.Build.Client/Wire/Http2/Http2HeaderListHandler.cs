using OpenCloud.Build.Client.Wire.Http2.Frames;

namespace OpenCloud.Build.Client.Wire.Http2;

/// <summary>Handles a complete list of header fields: a request, a response or trailers (RFC 9113, 8.1).</summary>
internal sealed class Http2HeaderListHandler(Http2ConnectionState state, Http2HeaderReader reader, Http2PeerLimits limits, Http2Options options)
{
    internal void Handle(int streamId, HeaderList headers)
    {
        if (state.Find(streamId) is Http2Stream stream)
        {
            if (state.Role == Http2Role.Client && !stream.ResponseSeen)
            {
                HandleResponse(stream, headers);
            }
            else
            {
                HandleTrailers(stream, headers);
            }
        }
        else if (streamId <= state.LastStreamId)
        {
            if (!state.IsRecentlyReset(streamId))
            {
                throw new Http2Exception(Http2ErrorCode.StreamClosed, $"Header fields on stream {streamId}, which is closed.");
            }
        }
        else if (state.Role == Http2Role.Client)
        {
            throw new Http2Exception(Http2ErrorCode.ProtocolError, $"Header fields on stream {streamId}, which has not begun.");
        }
        else if (!state.IsDraining)
        {
            state.LastStreamId = streamId;
            HandleRequest(streamId, headers);
        }
    }

    private void HandleRequest(int streamId, HeaderList headers)
    {
        Http2ErrorCode refusal = Http2ErrorCode.NoError;
        long contentLength = -1;
        bool exceedsBudget = state.HeldHeaders > 0 && state.HeldHeaders + headers.Size > options.MaxHeldHeaders;
        if (state.Occupied >= options.MaxConcurrentStreams || exceedsBudget)
        {
            refusal = Http2ErrorCode.RefusedStream;
        }
        else if (!reader.ListFits)
        {
            refusal = Http2ErrorCode.EnhanceYourCalm;
        }
        else if (Http2RequestValidator.FindFault(headers, out contentLength) is not null || (reader.EndStream && contentLength > 0))
        {
            refusal = Http2ErrorCode.ProtocolError;
        }

        if (refusal != Http2ErrorCode.NoError)
        {
            limits.Resets.Count();
            state.WriteReset(streamId, refusal);
            return;
        }

        Http2Stream stream = state.Open(streamId, headers);
        stream.ContentLeft = contentLength;
        state.Events.OnHeaders(stream, headers);
        if (reader.EndStream)
        {
            state.EndRemote(stream);
            state.Events.OnEnded(stream, null);
        }
    }

    private void HandleResponse(Http2Stream stream, HeaderList headers)
    {
        if (!reader.ListFits)
        {
            limits.Break(state, stream, Http2ErrorCode.EnhanceYourCalm);
            return;
        }

        if (stream.RemoteEnded || Http2ResponseValidator.FindFault(headers, out int status, out long contentLength) is not null)
        {
            limits.Break(state, stream, Http2ErrorCode.ProtocolError);
        }
        else if (status < 200)
        {
            // Interim responses carry nothing useful here. Any number may come, but their rate is limited.
            limits.IgnoredFrames.Count();
            if (reader.EndStream)
            {
                limits.Break(state, stream, Http2ErrorCode.ProtocolError);
            }
        }
        else
        {
            stream.ResponseSeen = true;
            stream.ContentLeft = reader.EndStream ? -1 : contentLength;
            state.Events.OnHeaders(stream, headers);
            if (reader.EndStream)
            {
                state.EndRemote(stream);
                state.Events.OnEnded(stream, null);
            }
        }
    }

    private void HandleTrailers(Http2Stream stream, HeaderList trailers)
    {
        if (stream.RemoteEnded)
        {
            limits.Break(state, stream, Http2ErrorCode.StreamClosed);
        }
        else if (!reader.ListFits)
        {
            limits.Break(state, stream, Http2ErrorCode.EnhanceYourCalm);
        }
        else if (!reader.EndStream || stream.ContentLeft > 0 || Http2RequestValidator.FindTrailerFault(trailers) is not null)
        {
            limits.Break(state, stream, Http2ErrorCode.ProtocolError);
        }
        else
        {
            state.EndRemote(stream);
            state.Events.OnEnded(stream, trailers);
        }
    }
}
