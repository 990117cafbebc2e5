using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.FrontEnds.Http;

/// <summary>Lets only those through to a listener's application who know its secret; anybody else gets 403, counted as refused.</summary>
/// <param name="listener">The listener's name.</param>
/// <param name="secret">The secret.</param>
/// <param name="inner">The application.</param>
/// <param name="inspector">Keeps the ledger.</param>
/// <param name="logger">Is told once a minute.</param>
internal sealed class SecretGuard(
    string listener, ListenerSecret secret, IHttpApplication<IFeatureCollection> inner, Inspector inspector, ILogger<SecretGuard> logger)
    : IHttpApplication<IFeatureCollection>
{
    private readonly LogPace _pace = new(inspector.Time);

    /// <inheritdoc/>
    public IFeatureCollection CreateContext(IFeatureCollection contextFeatures) => inner.CreateContext(contextFeatures);

    /// <inheritdoc/>
    public void DisposeContext(IFeatureCollection context, Exception? exception) => inner.DisposeContext(context, exception);

    /// <inheritdoc/>
    public Task ProcessRequestAsync(IFeatureCollection context)
    {
        if (secret.IsIn(context.GetRequiredFeature<IHttpRequestFeature>().Headers))
        {
            return inner.ProcessRequestAsync(context);
        }

        // Nothing it says is believed, so it belongs to no route.
        inspector.Account(listener, LedgerState.Refused, Cause.Unauthorized);
        if (_pace.MayLog(listener, out var more))
        {
            Log.Unauthorized(logger, listener, AnswerHeaders.Secret, secret.File, more);
        }

        var answer = context.GetRequiredFeature<IHttpResponseFeature>();
        answer.StatusCode = StatusCodes.Status403Forbidden;
        answer.Headers.ContentLength = 0;
        return Task.CompletedTask;
    }
}
