using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;

namespace Sidecar.Daemon.FrontEnds.Common;

/// <summary>An application that needs no more of a request than the server's own features.</summary>
internal abstract class FeatureApplication : IHttpApplication<IFeatureCollection>
{
    public IFeatureCollection CreateContext(IFeatureCollection contextFeatures) => contextFeatures;

    public void DisposeContext(IFeatureCollection context, Exception? exception)
    {
        // The server owns the features.
    }

    public abstract Task ProcessRequestAsync(IFeatureCollection context);

    /// <summary>The path of a request, byte for byte, without its query.</summary>
    protected static ReadOnlySpan<char> PathOf(IFeatureCollection features)
    {
        var target = features.GetRequiredFeature<IHttpRequestFeature>().RawTarget.AsSpan();
        var query = target.IndexOf('?');
        return query < 0 ? target : target[..query];
    }
}

/// <summary>
/// Says of every answer of an http listener that nobody may keep it: a proxy that did would let pass by an old verdict what nobody was
/// asked about.
/// </summary>
internal sealed class NoStore(IHttpApplication<IFeatureCollection> inner) : FeatureApplication
{
    public override Task ProcessRequestAsync(IFeatureCollection context)
    {
        Mark(context.GetRequiredFeature<IHttpResponseFeature>());
        return inner.ProcessRequestAsync(context);
    }

    /// <summary>Says so of an answer whose headers were begun anew.</summary>
    public static void Mark(IHttpResponseFeature answer) => answer.Headers.CacheControl = "no-store";
}
