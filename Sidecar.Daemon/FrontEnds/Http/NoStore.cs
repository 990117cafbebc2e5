using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;

namespace Sidecar.Daemon.FrontEnds.Http;

/// <summary>Says of every answer of an http listener that nobody may keep it: a proxy that did would let pass by an old verdict what nobody was asked about.</summary>
/// <param name="inner">The application.</param>
internal sealed class NoStore(IHttpApplication<IFeatureCollection> inner) : IHttpApplication<IFeatureCollection>
{
    /// <inheritdoc/>
    public IFeatureCollection CreateContext(IFeatureCollection contextFeatures) => inner.CreateContext(contextFeatures);

    /// <inheritdoc/>
    public void DisposeContext(IFeatureCollection context, Exception? exception) => inner.DisposeContext(context, exception);

    /// <inheritdoc/>
    public Task ProcessRequestAsync(IFeatureCollection context)
    {
        Mark(context.GetRequiredFeature<IHttpResponseFeature>());
        return inner.ProcessRequestAsync(context);
    }

    /// <summary>Says so of an answer whose headers were begun anew.</summary>
    public static void Mark(IHttpResponseFeature answer) => answer.Headers.CacheControl = "no-store";
}
