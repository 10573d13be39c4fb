package com.qcloud.services.scf.runtime.events;

import java.util.Map;

/** A request that an API gateway hands to a function. */
public class APIGatewayProxyRequestEvent extends Value {
    private static final long serialVersionUID = 1;

    private ProxyRequestContext requestContext;
    private Map<String, String> headers;
    private String body;
    private Map<String, String> pathParameters;
    private Map<String, String> queryStringParameters;
    private Map<String, String> headerParameters;
    private Map<String, String> stageVariables;
    private String path;
    private Map<String, String> queryString;
    private String httpMethod;
    private Boolean isBase64Encoded;

    public ProxyRequestContext getRequestContext() {
        return requestContext;
    }

    public void setRequestContext(ProxyRequestContext requestContext) {
        this.requestContext = requestContext;
    }

    public Map<String, String> getHeaders() {
        return headers;
    }

    public void setHeaders(Map<String, String> headers) {
        this.headers = headers;
    }

    public String getBody() {
        return body;
    }

    public void setBody(String body) {
        this.body = body;
    }

    public Map<String, String> getPathParameters() {
        return pathParameters;
    }

    public void setPathParameters(Map<String, String> pathParameters) {
        this.pathParameters = pathParameters;
    }

    public Map<String, String> getQueryStringParameters() {
        return queryStringParameters;
    }

    public void setQueryStringParameters(Map<String, String> queryStringParameters) {
        this.queryStringParameters = queryStringParameters;
    }

    public Map<String, String> getHeaderParameters() {
        return headerParameters;
    }

    public void setHeaderParameters(Map<String, String> headerParameters) {
        this.headerParameters = headerParameters;
    }

    public Map<String, String> getStageVariables() {
        return stageVariables;
    }

    public void setStageVariables(Map<String, String> stageVariables) {
        this.stageVariables = stageVariables;
    }

    public String getPath() {
        return path;
    }

    public void setPath(String path) {
        this.path = path;
    }

    public Map<String, String> getQueryString() {
        return queryString;
    }

    public void setQueryString(Map<String, String> queryString) {
        this.queryString = queryString;
    }

    public String getHttpMethod() {
        return httpMethod;
    }

    public void setHttpMethod(String httpMethod) {
        this.httpMethod = httpMethod;
    }

    public Boolean getIsBase64Encoded() {
        return isBase64Encoded;
    }

    public void setIsBase64Encoded(Boolean isBase64Encoded) {
        this.isBase64Encoded = isBase64Encoded;
    }

    @Override
    public APIGatewayProxyRequestEvent clone() {
        return (APIGatewayProxyRequestEvent) super.clone();
    }

    /** Which API was called, and by whom. */
    public static class ProxyRequestContext extends Value {
        private static final long serialVersionUID = 1;

        private String serviceId;
        private String path;
        private String httpMethod;
        private String requestId;
        private RequestIdentity identity;
        private String sourceIp;
        private String stage;
        private Boolean isBase64Encoded;

        public String getServiceId() {
            return serviceId;
        }

        public void setServiceId(String serviceId) {
            this.serviceId = serviceId;
        }

        public String getPath() {
            return path;
        }

        public void setPath(String path) {
            this.path = path;
        }

        public String getHttpMethod() {
            return httpMethod;
        }

        public void setHttpMethod(String httpMethod) {
            this.httpMethod = httpMethod;
        }

        public String getRequestId() {
            return requestId;
        }

        public void setRequestId(String requestId) {
            this.requestId = requestId;
        }

        public RequestIdentity getIdentity() {
            return identity;
        }

        public void setIdentity(RequestIdentity identity) {
            this.identity = identity;
        }

        public String getSourceIp() {
            return sourceIp;
        }

        public void setSourceIp(String sourceIp) {
            this.sourceIp = sourceIp;
        }

        public String getStage() {
            return stage;
        }

        public void setStage(String stage) {
            this.stage = stage;
        }

        public Boolean getIsBase64Encoded() {
            return isBase64Encoded;
        }

        public void setIsBase64Encoded(Boolean isBase64Encoded) {
            this.isBase64Encoded = isBase64Encoded;
        }

        @Override
        public ProxyRequestContext clone() {
            return (ProxyRequestContext) super.clone();
        }
    }

    /** Who called. */
    public static class RequestIdentity extends Value {
        private static final long serialVersionUID = 1;

        private String secretId;

        public String getSecretId() {
            return secretId;
        }

        public void setSecretId(String secretId) {
            this.secretId = secretId;
        }

        @Override
        public RequestIdentity clone() {
            return (RequestIdentity) super.clone();
        }
    }
}
