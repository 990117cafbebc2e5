using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Sidecar.Daemon.Listeners;

/// <summary>
/// An application whose answers close their connection while the listener leaves. HTTP/2 has a word of its own for that, which the server
/// says.
/// </summary>
/// <param name="application">What answers.</param>
/// <param name="leaves">Whether it leaves now.</param>
internal sealed class LeavingApplication(IHttpApplication<IFeatureCollection> application, Func<bool> leaves)
    : IHttpApplication<IFeatureCollection>
{
    public IFeatureCollection CreateContext(IFeatureCollection contextFeatures)
    {
        if (leaves() && contextFeatures.Get<IHttpRequestFeature>() is { } request && HttpProtocol.IsHttp11(request.Protocol))
        {
            contextFeatures.GetRequiredFeature<IHttpResponseFeature>().Headers.Connection = "close";
        }

        return application.CreateContext(contextFeatures);
    }

    public Task ProcessRequestAsync(IFeatureCollection context) => application.ProcessRequestAsync(context);

    public void DisposeContext(IFeatureCollection context, Exception? exception) => application.DisposeContext(context, exception);
}
