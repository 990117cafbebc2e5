using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.Inspection;

namespace Sidecar.Daemon.FrontEnds.ExtAuthz;

/// <summary>
/// What can be told of the bodies of an ext_authz filter's requests, and what is noticed of the filter's configuration. Safe for any number
/// of calls.
/// </summary>
internal sealed class AuthzBodies(Inspector inspector, EnvoyFilterOptions options, ILogger logger)
{
    private volatile bool _haveCome;

    /// <summary>
    /// Whether a request has a body for all that can be told, so that agents who want bodies have to be shown it or follow their excess
    /// action.
    /// </summary>
    public bool HasOne(AuthzRequest request) =>
        request.HasBody || request.AnnouncesBody
            || (options.WithRequestBody == RequestBodies.Kept && request.LeavesBodyOpen
                && RequestRules.IsMadeForABody(request.Headers.Method ?? ""));

    /// <summary>Why nobody can tell whether a request has a body; none where it can be told.</summary>
    public Cause OpenCause(AuthzRequest request)
    {
        Notice(request);
        if (!request.LeavesBodyOpen)
        {
            return Cause.None;
        }

        var isMadeForOne = RequestRules.IsMadeForABody(request.Headers.Method ?? "");
        if (options.WithRequestBody == RequestBodies.Kept)
        {
            return isMadeForOne ? Cause.None : Cause.MaybeBody;
        }

        // Until one has come, nothing but the listener's key says that the filter sends any.
        if (_haveCome || !isMadeForOne)
        {
            return Cause.None;
        }

        Write($"a {request.Headers.Method} request came without a body, and none has come yet: the filter must have with_request_body, or "
            + "with-request-body=no be said here");
        return Cause.MaybeBody;
    }

    private void Notice(AuthzRequest request)
    {
        _haveCome |= request.HasBody;
        if (request.HasBody && options.WithRequestBody == RequestBodies.Kept)
        {
            Write("the filter hands over bodies (with_request_body), which agents are not shown: with-request-body=no is wrong here");
        }
        else if (!request.HasBody && request.AnnouncesBody && options.WithRequestBody != RequestBodies.Kept)
        {
            Write("a request that has a body came without it: the filter has no with_request_body, or its route has "
                + "disable_request_body_buffering");
        }

        if (request.IsTextBody)
        {
            var until = options.AllowsTextForm
                ? "agents judge what they are shown (text-form=allow)"
                : "a body that has such a mark counts as truncated";
            Write("bodies come as text, in which Envoy puts an exclamation mark for every byte that is none: set pack_as_bytes: true; "
                + $"until then {until}");
        }

        if (request.AreTextHeaders)
        {
            Write("headers come as text, in which Envoy puts an exclamation mark for every byte that is none, and those of one name "
                + "joined: set encode_raw_headers: true");
        }
    }

    private void Write(string notice) => inspector.Warnings.Add(logger, options.Name, notice);
}
